import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Config } from '../config/config.ts'
import { parseDuration } from '../domain/duration.ts'
import { hasCode, messageOf } from '../domain/failure.ts'
import { readInstant } from '../domain/instant.ts'
import type { Log } from '../ports/log.ts'
import { type FaultChoice, faultKinds, parseFaults } from '../simulator/faults.ts'
import { generatedFleet } from '../simulator/fleet.ts'
import { type Jitter, tameJitter } from '../simulator/lives.ts'
import { replay, replayLines } from '../simulator/replay.ts'
import { type Outcome, simulate, simulationStartMs } from '../simulator/simulate.ts'
import { parseTrace, TraceError } from '../simulator/trace.ts'
import { exitCode, readConfig, type Shell, ShellError } from './shell.ts'
import { isFlawless, simulationReport, summaryOf, thresholdReport, timeline } from './simulate-report.ts'

export interface SimulateOptions {
  config?: string
  seed: string
  days: string
  agents: string
  hosts: string
  faults?: string
  jitter: string
  trace?: string
  start?: string
  json?: boolean
}

/** A day has 86,400 seconds: fewer than some minutes would be all calm before the first fault. */
const fewestDays = 0.05

/**
 * `towerwatch simulate`: a generated fleet, a declared one, or a recorded life through the real engine. Exit 1 where a death was
 * missed or invented, or an alert lost or told twice.
 */
export async function simulateCommand(shell: Shell, options: SimulateOptions): Promise<number> {
  if (options.trace !== undefined) return replayTrace(shell, options.trace, options)
  const seed = number('--seed', options.seed, { least: 0, most: 2 ** 32 - 1, isWhole: true })
  const days = number('--days', options.days, { least: fewestDays, most: 3650, isWhole: false })
  const declared = options.config === undefined ? undefined : readConfig(shell, options.config, 'left-out')
  const config = declared ?? generated(seed, options)
  if (config.agents.size === 0)
    throw new ShellError(`${config.file} declares no agents: there is nothing to simulate.`, exitCode.wrongInput)
  const began = performance.now()
  const outcome = await simulate(
    { config, seed, days, faults: faultsOf(options.faults), jitter: declared ? jitterOf(options.jitter) : tameJitter },
    { log: quiet, signal: shell.signal },
  )
  if (shell.signal.aborted) throw new ShellError('Interrupted: the simulation did not come to its end.', exitCode.failed)
  const summary = summaryOf(outcome, { seed, days, agents: config.agents.size }, (performance.now() - began) / 1000)
  if (options.json) {
    for (const line of jsonFindings(outcome)) shell.out(line)
    shell.out(JSON.stringify(summary))
  } else {
    for (const line of simulationReport(outcome, summary)) shell.out(line)
    if (declared) for (const line of ['', ...thresholdReport(declared, outcome.verdict, days)]) shell.out(line)
  }
  return isFlawless(summary) ? exitCode.ok : exitCode.failed
}

async function replayTrace(shell: Shell, file: string, options: SimulateOptions): Promise<number> {
  const config = readConfig(shell, options.config, 'left-out')
  const path = resolve(shell.cwd, file)
  try {
    const trace = parseTrace(readTrace(path), file, config)
    const result = await replay(config, trace, { startMs: startOf(options.start), log: quiet, signal: shell.signal })
    if (shell.signal.aborted) throw new ShellError('Interrupted: the replay did not come to its end.', exitCode.failed)
    for (const line of options.json ? replayLines(result) : timeline(result)) shell.out(line)
    return exitCode.ok
  } catch (error) {
    if (error instanceof TraceError) throw new ShellError(error.message, exitCode.wrongInput)
    throw error
  }
}

function readTrace(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const isMissing = hasCode(error, 'ENOENT')
    const why = isMissing ? 'there is no such file: "towerwatch record --out FILE" writes one' : String(error)
    throw new ShellError(`${path}: ${why}`, exitCode.wrongInput)
  }
}

function generated(seed: number, options: SimulateOptions): Config {
  const agents = number('--agents', options.agents, { least: 1, most: 100_000, isWhole: true })
  const hosts = number('--hosts', options.hosts, { least: 1, most: 10_000, isWhole: true })
  return generatedFleet({ seed, agents, hosts: Math.min(hosts, agents) })
}

function number(name: string, text: string, bounds: { least: number; most: number; isWhole: boolean }): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (value >= bounds.least && value <= bounds.most && (!bounds.isWhole || Number.isInteger(value))) return value
  const kind = bounds.isWhole ? 'a whole number' : 'a number'
  throw new ShellError(`${name} ${text}: expected ${kind} from ${bounds.least} to ${bounds.most}.`, exitCode.wrongInput)
}

function faultsOf(text: string | undefined): FaultChoice {
  if (text === undefined) return { kinds: faultKinds }
  try {
    return parseFaults(text)
  } catch (error) {
    throw new ShellError(`--faults: ${messageOf(error)}`, exitCode.wrongInput)
  }
}

/** Of the beats of a declared fleet one in 500 is late, by any time around this mean. */
function jitterOf(text: string): Jitter {
  const meanMs = parseDuration(text)
  if (meanMs === undefined || meanMs <= 0) throw new ShellError(`--jitter ${text} is no time: write 10s or 1m.`, exitCode.wrongInput)
  return { lateShare: 1 / 500, lateBy: { kind: 'exponential', meanMs } }
}

function startOf(text: string | undefined): number {
  if (text === undefined) return simulationStartMs
  const instant = readInstant(text)
  if (!instant) throw new ShellError(`--start ${text} is no time: write 2026-11-22T20:00Z.`, exitCode.wrongInput)
  return instant.ms
}

function jsonFindings({ verdict, startMs }: Outcome): string[] {
  return verdict.findings.map(({ kind, subject, atMs, text }) =>
    JSON.stringify({ finding: kind, subject, at: (atMs - startMs) / 1000, text }),
  )
}

/** The engine's own log would say each fault of thirty days aloud. */
const quiet: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
