/** `towerwatch doctor` as a user runs it, on files of this machine. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { compileCache } from '../support/compile-cache.ts'

const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tw-doctor-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const path = (name: string) => join(folder, name)

/** One agent for each file, of format auto. */
function fleet(files: string[], more: string[] = []): void {
  const agents = files.map(
    (name) => `  ${name}: { host: local, heartbeat: { file: ${path(name)} }, restart: { kind: command, start: [/bin/true] } }`,
  )
  writeFileSync(
    path('fleet.yaml'),
    `version: 1\nfleet: test\nhosts: { local: { kind: local } }\nagents:\n${[...agents, ...more].join('\n')}\n`,
  )
}

function doctor(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, 'doctor', '--for', '1s', ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: folder, ...compileCache },
  })
  return { status, stdout, stderr }
}

it('names what is wrong with each of a collection of spoilt files, and changes none of them', () => {
  writeFileSync(path('torn'), '{"at": 17')
  writeFileSync(path('empty'), '')
  writeFileSync(path('huge'), Buffer.alloc(10_000_000, 'x'))
  writeFileSync(path('binary'), Buffer.from(Array.from({ length: 2_000 }, (_, index) => index % 256)))
  writeFileSync(path('future'), '{"pid": 2}')
  utimesSync(path('future'), new Date(Date.now() + 3_600_000), new Date(Date.now() + 3_600_000))
  symlinkSync(path('torn'), path('link'))
  symlinkSync(path('nowhere'), path('dangling'))
  execFileSync('mkfifo', [path('pipe')])
  mkdirSync(path('folder'))
  writeFileSync(path('copied'), '{"at": 1712345678}')
  const names = ['torn', 'empty', 'huge', 'binary', 'future', 'link', 'dangling', 'pipe', 'folder', 'copied', 'missing']
  fleet(names)
  const before = readdirSync(folder).sort()
  const { status, stdout, stderr } = doctor('--json')
  expect([status, stderr]).toEqual([1, ''])
  const { agents } = JSON.parse(stdout) as { agents: { id: string; faults: { kind: string; remedy: string }[] }[] }
  expect(Object.fromEntries(agents.map(({ id, faults }) => [id, faults.map(({ kind }) => kind).join()]))).toEqual({
    torn: 'torn',
    empty: 'empty',
    huge: 'huge',
    binary: 'binary',
    future: 'future',
    link: 'symlink',
    dangling: 'symlink',
    pipe: 'pipe',
    folder: 'directory',
    copied: 'time-differs',
    missing: 'missing',
  })
  expect(readdirSync(folder).sort()).toEqual(before)
})

it('is content with heartbeats of every kind in use', () => {
  const now = Date.now() / 1_000
  writeFileSync(path('json'), JSON.stringify({ timestamp: new Date().toISOString(), pid: process.pid, cycle: 3, model: 'm' }))
  writeFileSync(path('number'), `${now}\n`)
  mkdirSync(path('jobs'))
  writeFileSync(path('jobs/backup.last'), JSON.stringify({ at: now, interval_seconds: 3600 }))
  writeFileSync(path('jobs/mail.last'), `${now} 300`)
  mkdirSync(path('hermes/state'), { recursive: true })
  mkdirSync(path('hermes/cron'))
  const gateway = { pid: process.pid, updated_at: now, monotonic: 5, start_time: 77 }
  writeFileSync(path('hermes/state/gateway.heartbeat'), JSON.stringify(gateway))
  writeFileSync(path('hermes/cron/ticker_heartbeat'), String(now))
  writeFileSync(path('hermes/cron/ticker_last_success'), String(now))
  fleet(
    ['json', 'number'],
    ['jobs', 'hermes'].map(
      (kind) => `  ${kind}: { host: local, heartbeat: { ${kind}: ${path(kind)} }, restart: { kind: command, start: [/bin/true] } }`,
    ),
  )
  const { status, stdout } = doctor()
  expect(stdout).toContain('4 agents looked at on 1 host: no faults.')
  for (const because of [
    'JSON with the time under "timestamp" (ISO 8601)',
    'one number: seconds since 1970',
    'a job record: JSON with the time under "at"',
    'a job record: text, the time first',
    'JSON of a Hermes gateway with the time under "updated_at"',
  ])
    expect(stdout).toContain(because)
  expect(stdout).toContain(`life       ${process.pid}-77 (the word of its heartbeat)`)
  expect(status).toBe(0)
})
