import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { epochOf } from '../../../src/adapters/beats/epoch.ts'
import { readFields, replaceFile, touchFile } from '../../../src/adapters/beats/files.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tw-beats-'))
  file = join(folder, 'heartbeat.json')
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('a replaced file', () => {
  it('is another one: who has the old one open reads on in it', () => {
    writeFileSync(file, 'old')
    const before = statSync(file).ino
    replaceFile(file, 'new')
    expect(readFileSync(file, 'utf8')).toBe('new')
    expect(statSync(file).ino).not.toBe(before)
    expect(readdirSync(folder)).toEqual(['heartbeat.json'])
  })

  it('can be read by a watch of another user, whatever umask the crontab has', () => {
    const before = process.umask(0o077)
    try {
      replaceFile(file, 'x')
    } finally {
      process.umask(before)
    }
    expect(statSync(file).mode & 0o777).toBe(0o644)
  })

  it('gets its folder made, which a start of the machine may have taken away', () => {
    const lost = join(folder, 'run', 'bezalel', 'backup.last')
    replaceFile(lost, 'x')
    expect(readFileSync(lost, 'utf8')).toBe('x')
  })

  it('takes the place of a symbolic link, and leaves alone what that points to', () => {
    const other = join(folder, 'other')
    writeFileSync(other, 'precious')
    symlinkSync(other, file)
    replaceFile(file, 'x')
    expect([readFileSync(file, 'utf8'), readFileSync(other, 'utf8')]).toEqual(['x', 'precious'])
  })

  it('that can not be replaced says so, and leaves nothing behind', () => {
    mkdirSync(file)
    writeFileSync(join(file, 'in-the-way'), '')
    expect(() => replaceFile(file, 'x')).toThrow(/EISDIR|ENOTEMPTY/)
    expect(readdirSync(folder)).toEqual(['heartbeat.json'])
  })
})

describe('what a file holds', () => {
  it.each([
    ['{"seq":4}', { seq: 4 }],
    ['{"seq":4', {}],
    ['[1]', {}],
    ['null', {}],
    ['', {}],
    ['\u0000\u0001', {}],
    [`{"x":"${'y'.repeat(100_000)}"}`, {}],
  ])('%.20s is read as far as it is an object', (text, fields) => {
    writeFileSync(file, text)
    expect(readFields(file)).toEqual(fields)
  })

  it('is nothing where it is missing, a folder, or a pipe that nobody writes to', () => {
    expect(readFields(file)).toEqual({})
    expect(readFields(folder)).toEqual({})
    execFileSync('mkfifo', [file])
    expect(readFields(file)).toEqual({})
  })
})

describe('a touched file', () => {
  it('keeps what is in it', () => {
    writeFileSync(file, 'kept')
    utimesSync(file, 1, 1)
    touchFile(file, 1_800_000_000_000)
    expect([readFileSync(file, 'utf8'), statSync(file).mtimeMs]).toEqual(['kept', 1_800_000_000_000])
  })

  it('is made where it is not there', () => {
    touchFile(join(folder, 'new', 'beat'), 1_800_000_000_000)
    expect(existsSync(join(folder, 'new', 'beat'))).toBe(true)
  })

  it('that may not be written says so', () => {
    chmodSync(folder, 0o755)
    expect(() => touchFile(folder, 1)).toThrow('EISDIR')
  })
})

describe('the epoch of a process', () => {
  it('is the same for one life, and another for another', () => {
    expect(epochOf(process.pid)).toMatch(/^\S+:\S+$/)
    expect(epochOf(process.pid)).toBe(epochOf(process.pid))
    expect(epochOf(process.pid)).not.toBe(epochOf(process.ppid))
  })

  it('is unknown of one that there is not', () => {
    expect(epochOf(2 ** 22 + 1)).toBeUndefined()
  })
})
