import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { AgentRecord } from '../domain/agent.ts'
import { codeOf, messageOf } from '../domain/failure.ts'
import { measureAgent, measurePhase, type PhaseReport, phaseReport, unmeasured } from '../domain/phase.ts'
import { phaseSource } from '../operations/phase.ts'
import { renderPhase } from '../operations/phase-report.ts'
import { parseSnapshot } from '../operations/phase-snapshot.ts'
import { daysBefore } from '../watches/local-days.ts'
import { ledgerFile, readLedger } from './ledger-file.ts'
import { exitCode, findConfigFile, readConfig, type Shell, ShellError } from './shell.ts'

/** A watch that has said nothing for so long is taken not to be looking. */
const aliveForMs = 30_000

/**
 * `towerwatch phase`: from a snapshot file, else from the ledger (whether or not a watch is running), else of a fleet that
 * nobody has measured. Exit 0 whether ready or not, 2 where the snapshot is wrong.
 */
export function phase(shell: Shell, options: { config?: string; snapshot?: string; json?: boolean; output?: string }): number {
  const report = options.snapshot === undefined ? fromLedger(shell, options.config) : fromSnapshot(resolve(shell.cwd, options.snapshot))
  const text = options.json ? JSON.stringify(report, null, 2) : renderPhase(report).join('\n')
  if (options.output === undefined) shell.out(text)
  else writeWhole(resolve(shell.cwd, options.output), `${text}\n`)
  return exitCode.ok
}

function fromSnapshot(file: string): PhaseReport {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new ShellError(
      `${file}: can't be read (${codeOf(error)}): name a snapshot in JSON, or leave out --snapshot to read the ledger`,
      exitCode.wrongInput,
    )
  }
  const parsed = parseSnapshot(text)
  if ('faults' in parsed) throw new ShellError(parsed.faults.map((fault) => `${file}: ${fault}`).join('\n'), exitCode.wrongInput)
  return phaseReport(parsed.snapshot)
}

function fromLedger(shell: Shell, given: string | undefined): PhaseReport {
  if (findConfigFile(shell, given) === undefined) return phaseReport(unmeasured)
  const config = readConfig(shell, given)
  const snapshot = readLedger(ledgerFile(config), (ledger, nowMs) => {
    const { agents } = ledger.remembered()
    const lookedMs = ledger.looking()?.atMs ?? 0
    const isLooking = nowMs - lookedMs < aliveForMs
    const { moment, agent } = phaseSource(
      {
        ledger,
        daysBefore: (ms, count) => daysBefore(ms, count, { timeZone: config.timeZone, aheadMs: Date.now() - nowMs }),
        agent: (id) => (isLooking ? agents.get(id) : unseen(agents.get(id))),
      },
      nowMs,
    )
    const measured = [...config.agents.values()].map((one) => {
      const known = agent(one)
      // While no watch is looking, nothing is known, whatever stood last in the ledger.
      if (!isLooking) known.timeline = [...known.timeline, { atMs: lookedMs, state: 'unknown' }]
      return measureAgent(known, moment)
    })
    return measurePhase(measured, moment)
  })
  return phaseReport(snapshot ?? unmeasured)
}

function unseen(record: AgentRecord | undefined): AgentRecord | undefined {
  return record && { ...record, status: { ...record.status, state: 'unknown' } }
}

/** All of the text or nothing of it: a reader never sees half a report, and a full disk leaves the old one. */
function writeWhole(file: string, text: string): void {
  const temporary = join(dirname(file), `.${process.pid}.${Date.now()}.tmp`)
  try {
    writeFileSync(temporary, text)
    renameSync(temporary, file)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw new ShellError(`${file}: can't be written (${messageOf(error)})`, exitCode.failed)
  }
}
