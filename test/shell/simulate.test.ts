import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { record } from '../../src/shell/record.ts'
import { exitCode, type Shell, ShellError } from '../../src/shell/shell.ts'
import { type SimulateOptions, simulateCommand } from '../../src/shell/simulate.ts'

let folder: string
let out: string[]
let shell: Shell
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tw-simulate-'))
  out = []
  shell = {
    out: (text) => void out.push(text),
    err: () => {},
    env: {},
    cwd: folder,
    signal: new AbortController().signal,
    onReload: () => {},
  }
  writeFileSync(
    join(folder, 'fleet.yaml'),
    `version: 1
fleet: test
tower: { url: "ws://127.0.0.1:4002", account: towerwatch, password: { file: nobody-has-it } }
hosts: { h1: { kind: local } }
agents:
  a1: { host: h1, period: 30s, grace: 60s, heartbeat: { file: /beats/a1 }, restart: { kind: command, start: [/bin/true] } }
  a2: { host: h1, period: 30s, grace: 60s, heartbeat: { file: /beats/a2 }, restart: { kind: command, start: [/bin/true] } }
`,
  )
})
afterEach(() => rmSync(folder, { recursive: true }))

const fleetFile = () => join(folder, 'fleet.yaml')
const defaults: SimulateOptions = { seed: '1', days: '1', agents: '6', hosts: '2', jitter: '10s' }
const simulate = (options: Partial<SimulateOptions>) => simulateCommand(shell, { ...defaults, ...options })
const refused = async (options: Partial<SimulateOptions>) => {
  const error = await simulate(options).catch((thrown: unknown) => thrown)
  if (!(error instanceof ShellError)) throw new Error(`expected a ShellError, got ${error}`)
  expect(error.code).toBe(exitCode.wrongInput)
  return error.message
}
const write = (name: string, lines: object[]) =>
  writeFileSync(join(folder, name), lines.map((line) => `${JSON.stringify(line)}\n`).join(''))

describe('towerwatch simulate', () => {
  it('ends with one line of JSON, with exactly these keys', async () => {
    expect(await simulate({ json: true, faults: '30', seed: '3' })).toBe(exitCode.ok)
    const last = JSON.parse(out.at(-1) ?? '') as Record<string, unknown>
    expect(Object.keys(last)).toEqual([
      ...['seed', 'days', 'agents', 'faults', 'missed', 'falseDeaths', 'lostAlerts', 'duplicateAlerts', 'ledgerErrorMs', 'wallS'],
    ])
    expect(last).toMatchObject({ seed: 3, days: 1, agents: 6, missed: 0, falseDeaths: 0, lostAlerts: 0, duplicateAlerts: 0 })
    expect(Number(last['faults'])).toBeGreaterThan(15)
  })

  it('tells people what was noticed and when, by kind of fault', async () => {
    expect(await simulate({ faults: 'crash,20' })).toBe(exitCode.ok)
    expect(out.join('\n')).toMatch(/^1 days of 6 agents under \d+ faults \(seed 1\)/)
    expect(out.join('\n')).toMatch(/crash +\d+ +\d+ +\d+\.\d s +\d+\.\d s +\d+\.\d s/)
    expect(out.join('\n')).toContain('missed deaths      0')
  })

  it('says of declared thresholds what they would have done, and fails where they cry wolf; no secret is needed', async () => {
    expect(await simulate({ config: fleetFile(), faults: 'crash,hang,20', jitter: '1s' })).toBe(exitCode.ok)
    expect(out.join('\n')).toMatch(/a1 +30 s +1 min +\d+/)
    // So late that a minute of grace is not enough, again and again.
    expect(await simulate({ config: fleetFile(), faults: 'tower-down,1', jitter: '3m' })).toBe(exitCode.failed)
    expect(out.join('\n')).toContain('it was late, but well')
  })

  it('replays a trace as JSON lines whose shares sum to its end', async () => {
    write('trace.jsonl', [
      { at: 0, agent: 'a1', beat: { epoch: 'e1', seq: 1, progress: 1, busy: true } },
      { at: 60, host: 'h1', reachable: false },
      { at: 90, host: 'h1', reachable: true },
      { at: 200.5, end: true },
    ])
    expect(await simulate({ trace: 'trace.jsonl', config: fleetFile(), json: true })).toBe(exitCode.ok)
    const lines = out.map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines).toContainEqual({ subject: 'host:h1', from: 'up', to: 'unreachable', at: 60, noticedAt: 60, cause: 'unreachable' })
    expect(lines).toContainEqual({ alert: 'recovery', subjects: ['host:h1'], at: 90.3, durationS: 30 })
    const { uptime } = lines.at(-1) as { uptime: Record<string, Record<string, number>> }
    expect(Object.keys(uptime)).toEqual(['a1', 'a2'])
    for (const shares of Object.values(uptime)) {
      expect(Object.keys(shares)).toEqual(['upS', 'downS', 'unknownS', 'excludedS'])
      expect(Object.values(shares).reduce((sum, share) => sum + share, 0)).toBeCloseTo(200.5, 6)
    }
    out = []
    expect(await simulate({ trace: 'trace.jsonl', config: fleetFile() })).toBe(exitCode.ok)
    expect(out.join('\n')).toMatch(/0:01:00 +host:h1 +up -> unreachable: no connection/)
  })

  it('refuses what it can’t read, and says how it should be', async () => {
    expect(await refused({ seed: 'x' })).toBe('--seed x: expected a whole number from 0 to 4294967295.')
    expect(await refused({ days: '0' })).toBe('--days 0: expected a number from 0.05 to 3650.')
    expect(await refused({ agents: '1.5' })).toMatch(/^--agents 1.5: expected a whole number/)
    expect(await refused({ faults: 'carsh' })).toBe('--faults: there is no fault "carsh": did you mean "crash"?')
    expect(await refused({ config: fleetFile(), jitter: 'soon' })).toBe('--jitter soon is no time: write 10s or 1m.')
    expect(await refused({ config: 'nobody.yaml' })).toContain('there is no such file')
    expect(await refused({ trace: 'nobody.jsonl', config: fleetFile() })).toContain('"towerwatch record --out FILE" writes one')
    write('wrong.jsonl', [{ at: 0, agent: 'a3', beat: {} }])
    expect(await refused({ trace: 'wrong.jsonl', config: fleetFile() })).toBe(
      'wrong.jsonl:1: fleet.yaml declares no agent "a3": did you mean "a1"?',
    )
    write('right.jsonl', [{ at: 0, end: true }])
    expect(await refused({ trace: 'right.jsonl', config: fleetFile(), start: 'noon' })).toContain('--start noon is no time')
  })
})

describe('towerwatch record', () => {
  it('needs a running watch, and leaves no empty file behind', async () => {
    await expect(record(shell, { config: fleetFile(), out: 'night.jsonl' })).rejects.toMatchObject({ code: exitCode.notRunning })
    expect(() => readFileSync(join(folder, 'night.jsonl'))).toThrow(/ENOENT/)
  })

  it('never writes over a file, and wants a time that it can wait for', async () => {
    writeFileSync(join(folder, 'night.jsonl'), 'mine')
    await expect(record(shell, { config: fleetFile(), out: 'night.jsonl' })).rejects.toThrow(/there is such a file already/)
    await expect(record(shell, { config: fleetFile(), for: '30d' })).rejects.toThrow('--for 30d: expected a time up to 24d')
  })
})
