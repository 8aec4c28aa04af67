import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type DoctorOptions, doctor } from '../../src/shell/doctor.ts'
import { type Shell, ShellError } from '../../src/shell/shell.ts'
import { type FakeHost, fakeHost } from '../fakes/host.ts'
import { type VirtualClock, virtualClock } from '../fakes/virtual-clock.ts'

let folder: string
let clock: VirtualClock
let hosts: Map<string, FakeHost>
let said: string[]
let aborting: AbortController

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tw-doctor-'))
  clock = virtualClock()
  hosts = new Map(['local', 'far'].map((id) => [id, fakeHost(id, clock)]))
  said = []
  aborting = new AbortController()
})
afterEach(() => rmSync(folder, { recursive: true }))

const host = (id = 'local'): FakeHost => {
  const found = hosts.get(id)
  if (!found) throw new Error(`no host ${id}`)
  return found
}
const text = () => said.join('\n')
const line = (label: string) => said.filter((one) => one.startsWith(`  ${label} `)).map((one) => one.slice(13))

/** Agents as YAML lines under `agents:`. */
function fleet(...agents: string[]): void {
  writeFileSync(
    join(folder, 'fleet.yaml'),
    `version: 1
fleet: test
push: { listen: 127.0.0.1:8787 }
hosts: { local: { kind: local }, far: { kind: ssh, address: far.example } }
agents:
${agents.map((agent) => `  ${agent}`).join('\n')}
`,
  )
}
const restart = 'restart: { kind: process, start: [/bin/agent], pidFile: /run/pid, log: /log }'
const agent = (id: string, heartbeat: string, more = restart, on = 'local') => `${id}: { host: ${on}, heartbeat: ${heartbeat}, ${more} }`

async function run(name?: string, options: DoctorOptions = {}): Promise<number> {
  const shell: Shell = {
    out: (one) => void said.push(...one.split('\n')),
    err: (one) => void said.push(one),
    env: {},
    cwd: folder,
    signal: aborting.signal,
    onReload: () => {},
  }
  const [code] = await Promise.all([doctor(shell, name, options, { host, clock }), clock.advance(4_000)])
  return code
}

describe('towerwatch doctor', () => {
  it('says what it recognised and why, what it says, and which life it is of', async () => {
    fleet(agent('timmy', '{ file: /beats/timmy }'))
    const pid = host().start('timmy')
    host().beat('timmy', { updated_at: clock.now() / 1_000, pid, seq: 7, busy: true, doing: 'issue 12' }, 3_000)
    expect(await run()).toBe(0)
    expect(line('file')).toEqual(['/beats/timmy'])
    expect(line('recognised')).toEqual(['JSON with the time under "updated_at" (seconds since 1970)'])
    expect(line('written')[0]).toMatch(/^5 s ago by the clock of its host; its own time is \d{4}-\d\d-\d\dT/)
    expect(line('says')).toEqual([`pid ${pid}, seq 7, busy yes, doing issue 12`])
    expect(line('process')).toEqual([`alive, pid ${pid}`])
    expect(line('life')).toEqual([`boot:${pid} (boot and start of its process)`])
    expect(said.slice(0, 2)).toEqual(['host local: answers', 'host far: answers'])
    expect(said.at(-1)).toBe('1 agent looked at on 2 hosts: no faults.')
    expect([host().connections(), host().acts]).toEqual([0, []])
  })

  it('names faults with their remedies, and ends with 1', async () => {
    fleet(agent('timmy', '{ file: /beats/timmy }'), agent('ezra', '{ file: /beats/ezra, format: json }'))
    host().spoil('/beats/timmy', 'symlink')
    host().beat('ezra', new TextEncoder().encode('{"at'))
    expect(await run()).toBe(1)
    expect(line('FAULT')).toEqual(['/beats/timmy is a symbolic link, and links are not followed', '/beats/ezra is not whole JSON'])
    expect(line('remedy')[0]).toBe('name its target in fleet.yaml')
    expect(said.at(-1)).toBe('2 agents looked at on 2 hosts: 2 faults.')
  })

  it('tells the same to programs', async () => {
    fleet(agent('timmy', '{ file: /beats/timmy }'), agent('jobs', '{ jobs: /jobs }'))
    host().write('/jobs/backup.last', `${clock.now() / 1_000} 1h`)
    host().write('/beats/timmy.paused', 'on holiday')
    expect(await run(undefined, { json: true })).toBe(1)
    const report = JSON.parse(text())
    expect(report).toMatchObject({
      ok: false,
      hosts: [
        { id: 'local', faults: [] },
        { id: 'far', faults: [] },
      ],
      agents: [
        {
          id: 'timmy',
          host: 'local',
          source: 'file',
          files: [{ path: '/beats/timmy' }],
          paused: { by: 'marker', reason: 'on holiday', path: '/beats/timmy.paused' },
          faults: [{ kind: 'missing', path: '/beats/timmy' }],
        },
        {
          id: 'jobs',
          files: [{ path: '/jobs/backup.last', recognised: expect.stringContaining('a job record'), says: { intervalMs: 3_600_000 } }],
          faults: [],
        },
      ],
    })
  })

  it('says which host can not be asked, and looks at the others all the same', async () => {
    fleet(agent('timmy', '{ file: /beats/timmy }'), agent('ezra', '{ file: /beats/ezra }', restart, 'far'))
    host().beat('timmy')
    host('far').refuse('host-key')
    expect(await run()).toBe(1)
    expect(said.slice(0, 4)).toEqual([
      'host local: answers',
      "host far: can't be asked",
      "  FAULT      far can't be reached",
      expect.stringMatching(/^ {2}remedy {5}find out why the key/),
    ])
    expect(text()).not.toContain('ezra on far')
  })

  it('tells who is down, though his heartbeat is without a fault', async () => {
    fleet(agent('timmy', '{ file: /beats/timmy }'), agent('ezra', '{ file: /beats/ezra }'))
    host().write('/beats/timmy', JSON.stringify({ at: clock.now() / 1_000 - 960 }), 960_000)
    host().beat('ezra')
    expect(await run()).toBe(0)
    expect(line('down')).toEqual([expect.stringMatching(/^it has not beaten for 16 min .*: due every .*, down after /)])
    expect(said.at(-1)).toBe('2 agents looked at on 2 hosts: no faults; down: timmy.')
  })

  it('asks only this machine with --local, and only one host for one agent', async () => {
    fleet(agent('timmy', '{ file: /beats/timmy }'), agent('ezra', '{ file: /beats/ezra }', restart, 'far'))
    host().beat('timmy')
    host('far').beat('ezra')
    expect(await run(undefined, { local: true })).toBe(0)
    expect([host('far').opens, text().includes('ezra')]).toEqual([[], false])
    said = []
    expect(await run('ezra')).toBe(0)
    expect(host('far').opens).toHaveLength(1)
    expect(text()).not.toContain('timmy')
  })

  it.each([
    ['timy', {}, 'There is no agent "timy". Did you mean "timmy"?'],
    ['gandalf-the-grey', {}, 'There is no agent "gandalf-the-grey". There are: timmy, ezra.'],
    ['ezra', { local: true }, 'ezra lives on far, which is not local: leave out --local.'],
    ['timmy', { for: 'ever' }, '--for takes a duration of at most 1h, such as "10s".'],
  ])('does not take %s with %j', async (name, options, message) => {
    fleet(agent('timmy', '{ file: /beats/timmy }'), agent('ezra', '{ file: /beats/ezra }', restart, 'far'))
    await expect(run(name, options)).rejects.toThrow(new ShellError(message, 2))
  })

  it('ends early when it is interrupted', async () => {
    fleet(agent('timmy', '{ file: /beats/timmy }'))
    host().beat('timmy')
    const done = run(undefined, { for: '1h' })
    aborting.abort()
    await done
    expect([host().connections(), clock.pending()]).toEqual([0, 0])
  })
})

describe('a folder of jobs', () => {
  it('is told job by job, with what is against it and what a person paused', async () => {
    fleet(agent('jobs', '{ jobs: /jobs }'))
    host().write('/jobs/backup.last', `${clock.now() / 1_000} 1h 3`)
    host().write('/jobs/mail.last', `${clock.now() / 1_000 - 9_000} 1h`, 9_000_000)
    host().write('/jobs/old.last', `${clock.now() / 1_000 - 9_000} 1h`, 9_000_000)
    host().write('/jobs/old.last.paused', 'moved')
    expect(await run()).toBe(0)
    expect(line('file')).toEqual(['/jobs/backup.last', '/jobs/mail.last', '/jobs/old.last'])
    expect(line('paused')).toEqual(['moved (/jobs/old.last.paused)'])
    expect(line('down')).toEqual(['job backup failed: exit status 3; job mail is overdue: last run 2 h 30 min ago, due every 1 h'])
  })
})

describe('what towerwatch doctor advises', () => {
  const command = 'restart: { kind: command, start: [/bin/agent] }'

  it('is nothing for an agent that has all it needs', async () => {
    fleet(agent('timmy', '{ file: /beats/timmy }'))
    host().beat('timmy', { pid: host().start('timmy') })
    await run()
    expect(line('advice')).toEqual([])
  })

  it('is a longer period for one that beats more slowly', async () => {
    fleet(agent('timmy', '{ file: /beats/timmy }', `period: 1s, ${restart}`))
    host().start('timmy')
    host().beat('timmy', undefined, 3_000)
    clock.after(1_500, () => host().beat('timmy'))
    await run(undefined, { for: '3s' })
    expect(line('advice')).toEqual([
      'It beats each 5 s, as seen, and its period is 1 s: it will be late again and again. Make the period longer than 5 s.',
    ])
  })

  it('is to name its life where nothing does', async () => {
    fleet(agent('timmy', '{ file: /beats/timmy }', command), agent('ezra', '{ file: /beats/ezra }', command))
    host().beat('timmy', { at: clock.now() })
    host().beat('ezra', { at: clock.now(), epoch: 'a' })
    await run()
    expect(line('advice')).toEqual([expect.stringContaining('Nothing tells one life of it from the next')])
    expect(line('life')).toEqual(['a (the word of its heartbeat)'])
  })

  it('is to read JSON that stands in a file of which only the time counts', async () => {
    fleet(agent('timmy', '{ file: /beats/timmy, format: mtime }'))
    host().start('timmy')
    host().beat('timmy', { at: clock.now() })
    await run()
    expect(line('advice')).toEqual([expect.stringContaining('say "format: json"')])
  })

  it('is to tell progress where its absence is to be judged', async () => {
    fleet(agent('timmy', '{ file: /beats/timmy }', `hung: 5m, ${restart}`))
    host().beat('timmy', { pid: host().start('timmy') })
    await run()
    expect(line('advice')).toEqual([expect.stringContaining('"progress"')])
  })

  it('leaves out what can not be known of one that posts its beats', async () => {
    writeFileSync(join(folder, 'token'), 'secret')
    fleet(agent('scribe', '{ push: { token: { file: token } } }'))
    host().start('scribe')
    expect(await run()).toBe(0)
    expect(line('heartbeat')).toEqual(['it posts its beats itself: its host is asked for its process only'])
    expect([line('advice'), text().includes('secret')]).toEqual([[], false])
  })
})
