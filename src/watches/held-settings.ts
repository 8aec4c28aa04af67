/**
 * Who was refused because of its settings is not asked for again while they are as they were: each time would be an entry in
 * the audit that says nothing new. Once a day it is asked for all the same, so that the audit goes on telling of it.
 */
import type { Config } from '../config/config.ts'
import type { Outcome } from '../operations/operation.ts'
import type { RestartFailure } from '../operations/restart-failure.ts'
import { areHeld } from '../operations/settings.ts'
import type { Clock } from '../ports/clock.ts'
import { HostError, type HostLink } from '../ports/host.ts'
import { type Ledger, LedgerError } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'

const againMs = 86_400_000

export interface HeldSettings {
  /** What came of asking for its restart. */
  asked(agent: string, outcome: Outcome): void
  /** It was refused because of its settings: whether they have changed has to be looked at before it is asked for again. */
  isInDoubt(agent: string): boolean
  /** They have not. Where that can't be told, or a day is over, it is held no longer. */
  isHeld(agent: string): Promise<boolean>
  /** It lives, or is none of the watch's business: its next death is another story. */
  forget(agent: string): void
}

export interface HeldSettingsPorts {
  hands: (host: string) => HostLink | undefined
  ledger: Pick<Ledger, 'note'>
  clock: Clock
  log: Log
}

export function openHeldSettings(config: () => Config, { hands, ledger, clock, log }: HeldSettingsPorts): HeldSettings {
  const refusedMs = new Map<string, number>()

  async function areAsTheyWere(id: string): Promise<boolean> {
    const agent = config().agents.get(id)
    const link = agent && hands(agent.host)
    if (!link) return false
    try {
      return await areHeld(agent, link, ledger)
    } catch (error) {
      if (!(error instanceof LedgerError) && !(error instanceof HostError)) throw error
      log.warn({ agent: id, err: error.message }, 'whether its settings have changed could not be told')
      return false
    }
  }

  return {
    asked: (agent, outcome) => {
      if (isOfSettings(outcome)) refusedMs.set(agent, clock.now())
      else refusedMs.delete(agent)
    },
    isInDoubt: (agent) => refusedMs.has(agent),
    isHeld: async (agent) => {
      const isHeld = clock.now() - (refusedMs.get(agent) ?? 0) < againMs && (await areAsTheyWere(agent))
      if (!isHeld) refusedMs.delete(agent)
      return isHeld
    },
    forget: (agent) => void refusedMs.delete(agent),
  }
}

function isOfSettings({ status, data }: Outcome): boolean {
  const { failure } = (data ?? {}) as { failure?: RestartFailure }
  return status === 'refused' && failure?.step === 'check' && failure.kind === 'settings'
}
