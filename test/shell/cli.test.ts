import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ControlOutcome } from '../../src/adapters/control/messages.ts'
import { startControlServer } from '../../src/adapters/control/server.ts'
import { openLedger } from '../../src/adapters/ledger/sqlite.ts'
import { newAgent } from '../../src/domain/agent.ts'
import { operations } from '../../src/operations/registry.ts'
import { compileCache } from '../support/compile-cache.ts'

const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))
const dayMs = 86_400_000

let folder: string
let stops: (() => Promise<unknown>)[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tw-cli-'))
  stops = []
})
afterEach(async () => {
  for (const stop of stops) await stop()
  rmSync(folder, { recursive: true })
})

interface Ended {
  code: number | null
  out: string
  err: string
}

function start(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [cli, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, ...compileCache, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    said.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    said.err += chunk
  })
  const ended: Promise<Ended> = once(child, 'close').then(([code]) => ({ code, ...said }))
  return { child, said, ended }
}
const run = (args: string[], env?: Record<string, string>) => start(args, env).ended
const write = (name: string, text: string) => writeFileSync(join(folder, name), text)

const fleet = (more = '') => `version: 1
fleet: test
state: state
hosts: { local: { kind: local } }
agents:
  timmy:
    host: local
    heartbeat: { file: ${folder}/beat, format: mtime }
    period: 5s
    grace: 5s
    policy: off
    restart: { kind: command, start: [/bin/true] }
${more}`

const snapshot = { fleet_operational: true, uptime_30d_percent: 78, days_at_95_percent: 0, capacity_utilization_percent: 35 }

describe('towerwatch phase', () => {
  it('without a snapshot and without a ledger is of a fleet that nobody has measured', async () => {
    const { code, out, err } = await run(['phase', '--json'])
    expect([code, err]).toEqual([0, ''])
    expect(JSON.parse(out)).toEqual({
      fleet_operational: true,
      uptime_30d_percent: 0,
      days_at_95_percent: 0,
      capacity_utilization_percent: 0,
      requirements: [
        { name: 'uptime_30d_percent', value: 0, target: 95, met: false },
        { name: 'days_at_95_percent', value: 0, target: 30, met: false },
        { name: 'capacity_utilization_percent', value: 0, target: 60, met: false },
      ],
      phase_2_ready: false,
    })
  })

  it('renders a snapshot, and ends with 0 whether ready or not', async () => {
    write('notyet.json', JSON.stringify(snapshot))
    write('ready.json', JSON.stringify({ ...snapshot, uptime_30d_percent: 99, days_at_95_percent: 30, capacity_utilization_percent: 61 }))
    const [notYet, ready] = await Promise.all([
      run(['phase', '--snapshot', 'notyet.json']),
      run(['phase', '--snapshot', join(folder, 'ready.json')]),
    ])
    expect([notYet.code, ready.code]).toEqual([0, 0])
    expect(notYet.out).toContain('Phase 2 trigger: NOT READY')
    expect(ready.out).toContain('Phase 2 trigger: READY')
    expect(ready.out).toMatch(/^# \[PHASE-1\]/)
    expect(ready.out.endsWith('\n')).toBe(true)
  })

  it('writes to a file what would have been printed, and prints nothing', async () => {
    write('s.json', JSON.stringify(snapshot))
    const printed = await run(['phase', '--snapshot', 's.json'])
    const written = await run(['phase', '--snapshot', 's.json', '--output', 'report.md'])
    expect([written.code, written.out]).toEqual([0, ''])
    expect(readFileSync(join(folder, 'report.md'), 'utf8')).toBe(printed.out)
    await run(['phase', '--snapshot', 's.json', '--json', '--output', 'report.md'])
    expect(JSON.parse(readFileSync(join(folder, 'report.md'), 'utf8')).phase_2_ready).toBe(false)
    expect(readdirSync(folder).sort()).toEqual(['report.md', 's.json'])
  })

  it('replaces the file by renaming, so that a reader has the old one or the new one', async () => {
    write('s.json', JSON.stringify(snapshot))
    write('report.md', 'old')
    const before = statSync(join(folder, 'report.md')).ino
    expect((await run(['phase', '--snapshot', 's.json', '--output', 'report.md'])).code).toBe(0)
    expect(statSync(join(folder, 'report.md')).ino).not.toBe(before)
  })

  it('with a snapshot that is wrong names every fault, ends with 2 and touches nothing', async () => {
    write('s.json', JSON.stringify({ ...snapshot, uptime_30d_percent: 120, days: 3, fleet_operational: 'yes' }))
    write('report.md', 'old')
    const before = statSync(join(folder, 'report.md'))
    const { code, out, err } = await run(['phase', '--snapshot', 's.json', '--output', 'report.md'])
    expect([code, out]).toEqual([2, ''])
    for (const word of ['uptime_30d_percent', '"days"', 'fleet_operational']) expect(err).toContain(word)
    expect(err.trim().split('\n')).toHaveLength(3)
    const after = statSync(join(folder, 'report.md'))
    expect([after.ino, after.mtimeMs, readFileSync(join(folder, 'report.md'), 'utf8')]).toEqual([before.ino, before.mtimeMs, 'old'])
    expect(readdirSync(folder).sort()).toEqual(['report.md', 's.json'])
  })

  it('with a snapshot that is not there, or no JSON, ends with 2', async () => {
    write('s.json', '{')
    const [missing, broken] = await Promise.all([run(['phase', '--snapshot', 'lost.json']), run(['phase', '--snapshot', 's.json'])])
    expect([missing.code, broken.code]).toEqual([2, 2])
    expect(missing.err).toContain('ENOENT')
    expect(broken.err).toContain('not JSON')
  })

  it('that can not write its file ends with 1 and leaves nothing behind', async () => {
    write('s.json', JSON.stringify(snapshot))
    const { code, err } = await run(['phase', '--snapshot', 's.json', '--output', 'nowhere/report.md'])
    expect(code).toBe(1)
    expect(err).toContain("can't be written")
    expect(readdirSync(folder)).toEqual(['s.json'])
  })

  it('with a fleet that has no ledger yet is of one that nobody has measured', async () => {
    write('fleet.yaml', fleet())
    expect(JSON.parse((await run(['phase', '--json'])).out)).toMatchObject({ fleet_operational: true, uptime_30d_percent: 0 })
    expect(existsSync(join(folder, 'state'))).toBe(false)
  })

  it('reads the ledger while no watch is running, and does not count the time since as seen', async () => {
    write('fleet.yaml', fleet())
    const ledger = openLedger(join(folder, 'state', 'ledger.sqlite'))
    const nowMs = Date.now()
    const step = (from: string, to: string, daysAgo: number) =>
      ({
        kind: 'transition',
        subject: { kind: 'agent', id: 'timmy' },
        transition: { from, to, atMs: nowMs - daysAgo * dayMs, noticedMs: nowMs },
      }) as const
    const record = { ...newAgent(nowMs), status: { state: 'up' as const, sinceMs: nowMs - 12 * dayMs } }
    await ledger.write([
      { kind: 'agent', id: 'timmy', record },
      ...[step('new', 'up', 20), step('up', 'down', 13), step('down', 'up', 12)],
      { kind: 'activity', agent: 'timmy', span: { fromMs: nowMs - 14 * dayMs, toMs: nowMs - 13 * dayMs, busy: true } },
      { kind: 'looking', mark: { atMs: nowMs - 10 * dayMs, boot: '', bootMs: 0 } },
    ])
    await ledger.close()
    const report = JSON.parse((await run(['phase', '--json'])).out)
    expect(report).toMatchObject({
      fleet_operational: false,
      uptime_30d_percent: 90,
      days_at_95_percent: 0,
      capacity_utilization_percent: 10,
    })
  })

  it('ends with 1 where the ledger can not be read', async () => {
    write('fleet.yaml', fleet())
    mkdirSync(join(folder, 'state'))
    write('state/ledger.sqlite', 'this is not a ledger at all, and long enough to be looked at')
    const { code, out, err } = await run(['phase', '--json'])
    expect([code, out]).toEqual([1, ''])
    expect(err).toMatch(/^The ledger could not open/)
  })
})

describe('towerwatch check', () => {
  it('says that a file is right', async () => {
    write('fleet.yaml', fleet())
    const [said, json] = await Promise.all([run(['check']), run(['check', '--json'])])
    expect(said).toEqual({ code: 0, out: 'fleet.yaml is fine: 1 agent on 1 host.\n', err: '' })
    expect(JSON.parse(json.out)).toEqual({ ok: true, file: join(folder, 'fleet.yaml'), agents: ['timmy'], hosts: ['local'], faults: [] })
  })

  it('tells every fault with its line, and ends with 2', async () => {
    write('fleet.yaml', fleet('pol: 1s\nkep: 2d\n'))
    const [said, json] = await Promise.all([run(['check']), run(['check', '--json'])])
    expect([said.code, json.code, said.out]).toEqual([2, 2, ''])
    expect(said.err).toContain(`${join(folder, 'fleet.yaml')}:13: pol: unknown key "pol": did you mean "poll"?`)
    expect(said.err).toContain('2 faults.')
    expect(JSON.parse(json.out)).toMatchObject({
      ok: false,
      faults: [
        { line: 13, path: 'pol' },
        { line: 14, path: 'kep' },
      ],
    })
  })

  it('finds the file by option, by environment, or in this folder', async () => {
    write('a.yaml', fleet())
    write('b.yaml', fleet())
    const [byOption, byEnv, nowhere, lost] = await Promise.all([
      run(['check', '--config', 'a.yaml'], { TOWERWATCH_CONFIG: 'b.yaml' }),
      run(['check'], { TOWERWATCH_CONFIG: 'b.yaml' }),
      run(['check']),
      run(['check', '--config', 'lost.yaml']),
    ])
    expect(byOption.out).toContain('a.yaml is fine')
    expect(byEnv.out).toContain('b.yaml is fine')
    expect([nowhere.code, lost.code]).toEqual([2, 2])
    expect(nowhere.err).toContain('There is no fleet.yaml here. Copy fleet.example.yaml')
    expect(lost.err).toContain('there is no such file')
  })
})

describe('towerwatch with no watch running', () => {
  it.each([['status'], ['health'], ['incidents'], ['restart', 'timmy'], ['ack', '12'], ['silence', 'timmy', '2h', 'new', 'disk']])(
    'ends with 3 and says how to start one: %s %s',
    async (...args) => {
      write('fleet.yaml', fleet())
      const { code, out, err } = await run(args)
      expect([code, out]).toEqual([3, ''])
      expect(err).toMatch(/^No watch is running here .*towerwatch run/)
    },
  )
})

describe('towerwatch with a running watch', () => {
  const outcomes: Record<'timmy' | 'ezra' | 'slow' | 'eve', ControlOutcome> = {
    timmy: { status: 'ok', lines: ['timmy is back'], data: { agent: 'timmy' } },
    ezra: { status: 'failed', lines: ['no'] },
    slow: { status: 'timeout', lines: ['too slow'] },
    eve: { status: 'refused', lines: ['you may not'] },
  }

  beforeEach(async () => {
    write('fleet.yaml', fleet())
    const server = await startControlServer(join(folder, 'state', 'towerwatch.sock'), async ({ arguments: args }, progress) => {
      progress('check: looking')
      return outcomes[(args['agent'] ?? 'timmy') as keyof typeof outcomes]
    })
    stops.push(server.stop)
  })

  it('prints the answer on stdout and progress on stderr', async () => {
    expect(await run(['restart', 'timmy'])).toEqual({ code: 0, out: 'timmy is back\n', err: 'check: looking\n' })
  })

  it('prints nothing but JSON on stdout where that is asked for', async () => {
    const { out, code } = await run(['restart', 'timmy', '--json'])
    expect([JSON.parse(out), code]).toEqual([{ status: 'ok', lines: ['timmy is back'], agent: 'timmy' }, 0])
    expect(JSON.parse((await run(['restart', 'eve', '--json'])).out)).toEqual({ status: 'refused', lines: ['you may not'] })
  })

  it.each([
    ['timmy', 0],
    ['ezra', 1],
    ['slow', 1],
    ['eve', 4],
  ] as const)('ends with a code that means something: %s %d', async (agent, code) => {
    const ended = await run(['restart', agent])
    expect(ended.code).toBe(code)
    expect(code === 0 ? ended.out : ended.err).toContain(outcomes[agent].lines[0])
  })
})

describe('towerwatch, interrupted', () => {
  it('lets go of a watch that does not answer', async () => {
    write('fleet.yaml', fleet())
    const begun = Promise.withResolvers<void>()
    const server = await startControlServer(join(folder, 'state', 'towerwatch.sock'), () => {
      begun.resolve()
      return new Promise(() => {})
    })
    stops.push(server.stop)
    const { child, ended } = start(['restart', 'timmy'])
    await begun.promise
    child.kill('SIGINT')
    const { code, err } = await ended
    expect(code).toBe(1)
    expect(err).toContain('Interrupted')
  })
})

// How it runs: run.real.test.ts.
describe('towerwatch run', () => {
  it('ends with 2 where the file has faults, and with 1 where the ledger is none of ours', async () => {
    write('fleet.yaml', fleet('pol: 1s\n'))
    expect((await run(['run'])).code).toBe(2)
    write('fleet.yaml', fleet('tower: { url: "ws://127.0.0.1:1", account: a, password: { env: P } }\n'))
    mkdirSync(join(folder, 'state'))
    write('state/ledger.sqlite', 'this is not a ledger at all, and long enough to be looked at')
    const { code, err } = await run(['run'], { P: 'x' })
    expect(code).toBe(1)
    expect(err).toContain('The ledger could not open')
  })
})

describe('towerwatch --help', () => {
  it('lists every command, with examples and exit codes', async () => {
    const { code, out } = await run(['--help'])
    expect(code).toBe(0)
    for (const name of ['run', 'check', 'status', 'restart', 'health', 'phase', 'incidents', 'demo'])
      expect(out).toMatch(new RegExp(`^  ${name}\\b`, 'm'))
    expect(out).toContain('Examples:')
    expect(out).toContain('Exit codes: 0 done, 1 failed, 2 wrong input, 3 no watch is running, 4 refused.')
  })

  it('of each command has examples, and fits a screen', async () => {
    const { out: all } = await run(['--help'])
    const commands = [...all.matchAll(/^ {2}([a-z][a-z-]*)(?: [<[].*?[>\]])? {2,}\S/gm)].map(([, name]) => name ?? '')
    expect(commands).toEqual(expect.arrayContaining(['run', 'service', 'deadman', 'simulate', 'beat', 'export', 'demo', 'status']))
    for (const operation of operations) expect(commands).toContain(operation.name === 'fleet' ? 'status' : operation.name)
    const tooWide = (text: string) => text.split('\n').filter((line) => line.length > 80 && !line.startsWith('Usage:'))
    expect(tooWide(all)).toEqual([])
    for (const { code, out } of await Promise.all(commands.filter((name) => name !== 'help').map((command) => run([command, '--help'])))) {
      expect(code).toBe(0)
      expect(out).toContain('Example')
      expect(out).toContain('$ towerwatch ')
      expect(tooWide(out)).toEqual([])
    }
  }, 60_000)

  it.each([[['nonsense']], [['restart']], [['silence', 'timmy']], [['phase', '--nonsense']], [['restart', 'a', 'b']]])(
    'is pointed at where a command is wrong: %j',
    async (args) => {
      write('fleet.yaml', fleet())
      const { code, out, err } = await run(args)
      expect([code, out]).toEqual([2, ''])
      expect(err).toContain('--help')
    },
  )

  it('tells the version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    expect(await run(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' })
  })
})
