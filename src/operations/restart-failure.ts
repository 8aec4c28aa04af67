/** Why a restart did not bring an agent back: for programs, and for the watch, which has to know whether to try again. */
import { clean } from '../domain/heartbeat.ts'
import { redact, redactLines } from '../domain/redact.ts'
import { linesOf, plainLine } from '../domain/tail.ts'
import { type ActStep, HostError, type HostLink } from '../ports/host.ts'
import type { Outcome } from './operation.ts'

/** `data.failure` of the outcome of a restart. */
export interface RestartFailure {
  /** reach: its host can't be reached. verify: it was started, and did not come to life. */
  step: 'reach' | ActStep | 'verify'
  /**
   * settings: the files of its settings are broken, or it said itself that they are; of no use again until one of them changes.
   * refused: it may not be restarted as it stands. host: the host did not do it. no-beat, no-progress, nameless: it was started,
   * but no beat of a new life came, or none with progress, or none that says which life it is of. stopping: the watch stops. cancelled: somebody called it
   * off.
   */
  kind: 'settings' | 'refused' | 'host' | 'no-beat' | 'no-progress' | 'nameless' | 'stopping' | 'cancelled'
}

export interface Failed {
  kind: 'failed'
  status: Exclude<Outcome['status'], 'ok' | 'waiting'>
  /** What is to be said, the reason first. */
  lines: string[]
  failure: RestartFailure
}

/** A step that the host did not do, or only in part. `what`: "ezra was not restarted". */
export function failedOnHost(what: string, error: HostError): Failed {
  const step = error.step ? ` at the step "${error.step}"` : ''
  const status = error.kind === 'timeout' || error.kind === 'refused' ? error.kind : 'failed'
  const kind = error.because === 'settings' ? 'settings' : error.kind === 'refused' ? 'refused' : 'host'
  return {
    kind: 'failed',
    status,
    // What a command or a log said last may be in it.
    lines: [`${what}${step}: ${redact(error.message)}`],
    failure: { step: error.step ?? 'check', kind },
  }
}

const mostLines = 10
const width = 200
/** Longer ones are cut before they are looked through for secrets. */
const readWidth = 2_000

/** The last of what an agent wrote, fit to be shown: plain, without secrets, at most ten lines. None where it can't be had. */
export async function lastWords(id: string, hands: HostLink): Promise<string[]> {
  let text: string
  try {
    text = (await hands.tail(id)).text
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    // There may be no log, or no host any more: the failure itself has been said.
    return []
  }
  const lines = redactLines(linesOf(text).map((line) => plainLine(line, readWidth))).filter((line) => line.trim() !== '')
  if (lines.length === 0) return []
  return [`The last of what ${id} wrote:`, ...lines.slice(-mostLines).map((line) => `  ${clean(line, width)}`)]
}
