import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { outageId, ownBeatFile, ownBeatReader } from '../../../src/adapters/own-beat/beat-file.ts'
import { thisMachine } from '../../../src/adapters/own-beat/machine.ts'
import { deadmanStore } from '../../../src/adapters/own-beat/store.ts'
import type { DeadmanMemory } from '../../../src/domain/deadman.ts'
import type { OwnBeat } from '../../../src/domain/own-beat.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tw-beat-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const beat = (more: Partial<OwnBeat> = {}): OwnBeat => ({
  at: 1_795_000_000_000,
  pid: 4711,
  epoch: 'b:77',
  boot: 'b',
  bootMs: 5_000,
  seq: 3,
  ledger: 'writable',
  tower: 'connected',
  lagMs: 2,
  ...more,
})
const memory: DeadmanMemory = {
  outage: { id: outageId('x'), what: 'dead', sinceMs: 5, isTold: true, isCalled: false, isOver: false },
  lastRestart: { boot: 'b', bootMs: 7 },
  refused: { boot: 'b', bootMs: 8 },
  unwell: { boot: 'b', bootMs: 9, seenMs: 10 },
}

describe("the file of the watch's own beat", () => {
  it('is read back as it was written, is its user’s alone, and says in words what it is', async () => {
    const file = ownBeatFile(folder)
    await file.write(beat())
    expect(await ownBeatReader(folder).read()).toMatchObject({ kind: 'beat', beat: beat() })
    expect(JSON.parse(readFileSync(join(folder, 'watch.beat'), 'utf8')).says).toBe('watching')
    const last = beat({ tells: outageId('x'), stoppedAt: 1_795_000_000_000 })
    await file.write(last)
    expect(await ownBeatReader(folder).read()).toMatchObject({ beat: last })
    expect(readFileSync(join(folder, 'watch.beat'), 'utf8')).toContain('"says":"stopped in order at 2026-11-18T')
    expect((statSync(join(folder, 'watch.beat')).mode & 0o777).toString(8)).toBe('600')
    expect(readdirSync(folder)).toEqual(['watch.beat'])
  })

  it('is replaced, so that a reader has the old beat or the new one; written over only where nothing new can be', async () => {
    const file = ownBeatFile(folder)
    await file.write(beat())
    const { ino, size } = statSync(join(folder, 'watch.beat'))
    await file.write(beat({ seq: 4 }))
    expect(statSync(join(folder, 'watch.beat')).ino).not.toBe(ino)
    // As on a full disk: the new file can't be made.
    mkdirSync(join(folder, 'watch.beat.tmp'))
    writeFileSync(join(folder, 'watch.beat.tmp', 'x'), '')
    const before = statSync(join(folder, 'watch.beat'))
    await file.write(beat({ seq: 12_345 }))
    const after = statSync(join(folder, 'watch.beat'))
    expect([after.ino, after.size]).toEqual([before.ino, size])
    expect(await ownBeatReader(folder).read()).toMatchObject({ beat: { seq: 12_345 } })
  })

  it('that can’t be written at all is said', async () => {
    await expect(ownBeatFile(join(folder, 'nowhere')).write(beat())).rejects.toThrow(/ENOENT/)
  })

  it.each([
    ['empty', ''],
    ['half a beat', JSON.stringify(beat()).slice(0, 40)],
    ['something else', '[]'],
    ['a beat of nonsense', JSON.stringify({ ...beat(), pid: -1 })],
    ['binary', '\u0000\u0001\ufffd'],
  ])('that is %s is damaged, with its age', async (_name, text) => {
    writeFileSync(join(folder, 'watch.beat'), text)
    utimesSync(join(folder, 'watch.beat'), 1_000, 2_000)
    expect(await ownBeatReader(folder).read()).toEqual({ kind: 'damaged', mtimeMs: 2_000_000 })
  })

  it('that is not there is none; one that can’t be read is said', async () => {
    expect(await ownBeatReader(join(folder, 'nowhere')).read()).toEqual({ kind: 'none' })
    mkdirSync(join(folder, 'watch.beat'))
    await expect(ownBeatReader(folder).read()).rejects.toThrow(/EISDIR/)
  })
})

describe('what the deadman remembers', () => {
  it('is empty at first, and read back as it was written; the watch sees the outage in it', async () => {
    const store = deadmanStore(folder)
    expect(await store.read()).toEqual({ memory: {}, isDamaged: false })
    expect(await ownBeatFile(folder).outage()).toBeUndefined()
    await store.write(memory)
    expect(await store.read()).toEqual({ memory, isDamaged: false })
    expect(await ownBeatFile(folder).outage()).toEqual(memory.outage)
    await store.write({})
    expect(await store.read()).toEqual({ memory: {}, isDamaged: false })
  })

  it('that is damaged is told as that, because nobody knows then when it restarted last', async () => {
    for (const text of ['', '{', '{"lastRestart":5}']) {
      writeFileSync(join(folder, 'deadman.json'), text)
      expect(await deadmanStore(folder).read()).toEqual({ memory: {}, isDamaged: true })
    }
  })
})

describe("the deadman's lock", () => {
  it('is had by one at a time', () => {
    const lock = deadmanStore(folder).lock()
    expect(lock).toBeDefined()
    expect(deadmanStore(folder).lock()).toBeUndefined()
    lock?.release()
    const next = deadmanStore(folder).lock()
    expect(next).toBeDefined()
    next?.release()
  })

  it('goes with its process, however that ends', async () => {
    const store = join(import.meta.dirname, '..', '..', '..', 'src', 'adapters', 'own-beat', 'store.ts')
    const program = `const { deadmanStore } = await import(${JSON.stringify(store)}); deadmanStore(${JSON.stringify(folder)}).lock(); console.log('held'); setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = once(child, 'close')
    await once(child.stdout, 'data')
    expect(deadmanStore(folder).lock()).toBeUndefined()
    child.kill('SIGKILL')
    await ended
    const lock = deadmanStore(folder).lock()
    expect(lock).toBeDefined()
    lock?.release()
  })

  it('that can’t be had at all is said, not taken for another’s', () => {
    expect(() => deadmanStore(join(folder, 'nowhere')).lock()).toThrow(/unable to open/)
  })
})

describe('this machine', () => {
  it('knows its boot, how long ago that was, and the epoch of a living process', async () => {
    const machine = thisMachine()
    const { boot, bootMs } = machine.now()
    expect(boot).toMatch(/^\S{36}$/)
    expect(bootMs).toBeGreaterThan(0)
    const own = await machine.epochOf(process.pid)
    expect(own).toEqual({ kind: 'alive', epoch: expect.stringMatching(new RegExp(`^${boot}:.+`)) })
    expect(await machine.epochOf(process.pid)).toEqual(own)
  })

  it('takes one that has ended for gone', async () => {
    const child = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' })
    const { pid = 0 } = child
    await once(child, 'close')
    expect(await thisMachine().epochOf(pid)).toEqual({ kind: 'gone' })
  })
})
