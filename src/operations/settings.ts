/** The files that an agent reads its settings from: whether it can be started with them, and what is said of them. */
import type { AgentConfig } from '../config/config.ts'
import { type ConfigSighting, HostError, type HostLink } from '../ports/host.ts'
import type { Ledger } from '../ports/ledger.ts'
import type { OperationContext } from './operation.ts'

/** unknown: the host could not tell. doubtful: `said` is why it had better not be started with them. */
export type Settings = { kind: 'unknown' } | { kind: 'fit' | 'doubtful'; files: ConfigSighting[]; said: string }

export async function lookAtSettings(agent: AgentConfig, hands: HostLink, context: OperationContext): Promise<Settings> {
  if (agent.configs.length === 0) return { kind: 'fit', files: [], said: '' }
  try {
    return judged(agent, await hands.configs(agent.id), context.ledger)
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    context.progress(`check: its settings could not be looked at: ${error.message}`)
    return { kind: 'unknown' }
  }
}

function judged(agent: AgentConfig, files: ConfigSighting[], ledger: Pick<Ledger, 'note'>): Settings {
  // What it has lived with is good, whatever it looks like.
  const broken = files.filter(({ form, hash, goodHash }) => form === 'broken' && hash !== goodHash)
  if (broken.length > 0)
    return { kind: 'doubtful', files, said: broken.map(({ path, detail }) => `${path} is broken: ${detail}`).join('; ') }
  if (ledger.note(refusedNote(agent.id)) === signatureOf(files)) {
    return { kind: 'doubtful', files, said: 'when it was last started it said that its settings are broken, and they are the same still' }
  }
  return { kind: 'fit', files, said: '' }
}

/**
 * Whether the watch would refuse to start it with these, and has nothing new to say of that. Rejects with HostError where the
 * host can't tell, throws LedgerError.
 */
export async function areHeld(agent: AgentConfig, hands: HostLink, ledger: Pick<Ledger, 'note'>): Promise<boolean> {
  const settings = judged(agent, await hands.configs(agent.id), ledger)
  if (settings.kind !== 'doubtful' || canBeRolledBack(agent, settings)) return false
  return ledger.note(heldNote(agent.id))?.replace(/^\d+ /, '') === signatureOf(settings.files)
}

/** Keeps with which settings the watch has refused to start it, in which incident. Resolves with whether that is news. */
export async function rememberHeld(id: string, incident: number, files: readonly ConfigSighting[], ledger: Ledger): Promise<boolean> {
  const value = `${incident} ${signatureOf(files)}`
  if (ledger.note(heldNote(id)) === value) return false
  await ledger.write([{ kind: 'note', name: heldNote(id), value }])
  return true
}

/** It ended because of these settings, as it said itself: kept, so that it is not tried again with the same ones. */
export async function rememberRefused(agent: AgentConfig, hands: HostLink, context: OperationContext): Promise<void> {
  const settings = await lookAtSettings(agent, hands, context)
  if (settings.kind === 'unknown') return
  await context.ledger.write([{ kind: 'note', name: refusedNote(agent.id), value: signatureOf(settings.files) }])
}

/** Those that would be put back: what stands there is not the last good one. */
export function differing(files: readonly ConfigSighting[]): (ConfigSighting & { goodHash: string })[] {
  return files.flatMap((file) => (file.goodHash !== undefined && file.hash !== file.goodHash ? [{ ...file, goodHash: file.goodHash }] : []))
}

/** Whether putting the last good ones back would do away with what is wrong with them. */
export function canBeRolledBack(agent: AgentConfig, settings: Settings): boolean {
  if (agent.rollBack !== 'auto' || settings.kind === 'unknown') return false
  const { files } = settings
  return differing(files).length > 0 && files.every(({ form, goodHash }) => form !== 'broken' || goodHash !== undefined)
}

/** What the files are, whatever is in them; a file that is not there counts as such. */
function signatureOf(files: readonly ConfigSighting[]): string {
  return files.map(({ path, hash }) => `${hash ?? '-'} ${path}`).join('\n')
}

/** As it is shown; the whole of it stands in the data of the outcome. */
export function shortHash(hash: string | undefined): string {
  return hash === undefined ? 'nothing' : hash.slice(0, 8)
}

const heldNote = (agent: string): string => `settings-held:${agent}`
const refusedNote = (agent: string): string => `settings-refused:${agent}`
