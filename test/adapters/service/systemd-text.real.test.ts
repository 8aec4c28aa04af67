/** What systemd itself makes of our units: `systemd-analyze verify`, which prints what it has read. */
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { minuteService, minuteTimer, watchUnit } from '../../../src/adapters/service/systemd-text.ts'
import { job, watchJob } from './job.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tw-units-'))
  mkdirSync(join(folder, 'run'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const systemd = ['/usr/bin/systemd-analyze', '/bin/systemd-analyze'].find((file) => existsSync(file))
const nastyFolder = `a b %h 'q' "d" $HOME ${'$'}{X} ü;#&`

function verified(files: Record<string, string>): { status: number | null; dump: string; faults: string } {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const { status, stdout, stderr } = spawnSync(
    systemd ?? '',
    ['verify', '--user', '--man=no', ...Object.keys(files).map((name) => join(folder, name))],
    {
      env: {
        PATH: process.env['PATH'],
        HOME: folder,
        XDG_RUNTIME_DIR: join(folder, 'run'),
        XDG_CONFIG_HOME: folder,
        SYSTEMD_LOG_LEVEL: 'debug',
      },
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    },
  )
  return {
    status,
    dump: stdout,
    faults: stderr
      .split('\n')
      .filter((line) => line.includes(folder) && /unknown|ignor|fail|invalid/i.test(line))
      .join('\n'),
  }
}

/** The program must be there and executable, or systemd complains. */
function program(): string {
  // No quotes and no backslash here: systemd refuses to run such a program at all.
  const path = join(folder, nastyFolder.replaceAll(/["'\\]/g, ''))
  mkdirSync(path)
  writeFileSync(join(path, 'no de'), '#!/bin/sh\n')
  chmodSync(join(path, 'no de'), 0o755)
  return join(path, 'no de')
}

// Debian's package systemd brings it. Where it isn't there, systemd-text.test.ts has read them by the book.
const readers = systemd ? ['systemd'] : []

describe('the units', () => {
  it.each(['the book', ...readers])('are read without a complaint by %s, from a path with everything in it', (reader) => {
    const node = program()
    const argv = [node, `/x/${nastyFolder}/cli.js`, 'run', '--config', '100% "sure"\\', '$$', ''] as const
    const path = `/bin:/x/${nastyFolder}`
    const unit = watchUnit(watchJob({ argv: [...argv], path }), 'user')
    const doubled = [node, ...argv.slice(1).map((word) => word.replaceAll('$', '$$$$'))]
    if (reader === 'the book') {
      expect(unit).toContain(
        `ExecStart=${doubled.map((word) => `"${word.replaceAll('%', '%%').replaceAll(/["\\]/g, '\\$&')}"`).join(' ')}\n`,
      )
      return
    }
    const { status, dump, faults } = verified({ 'tw.service': unit })
    expect([status, faults]).toEqual([0, ''])
    const line = /Command Line: (.*)/.exec(dump)?.[1] ?? ''
    // It prints words in the shell's own quoting; variables are put in only when it runs them, and doubled dollars undone.
    const words = execFileSync('bash', ['-c', `printf '%s\\0' ${line}`], { encoding: 'utf8' })
      .split('\0')
      .slice(0, -1)
    expect(words).toEqual(doubled)
    expect(dump).toContain(`Environment: PATH=${path}\n`)
  })

  it.each(['the book', ...readers])('of the deadman are read without a complaint by %s, too', (reader) => {
    const deadman = job({ argv: [program(), 'deadman'] })
    const texts = { 'tw-deadman.service': minuteService(deadman), 'tw-deadman.timer': minuteTimer(deadman) }
    if (reader === 'the book') for (const text of Object.values(texts)) expect(text).not.toMatch(/=\s*$/m)
    else expect(verified(texts)).toMatchObject({ status: 0, faults: '' })
  })
})
