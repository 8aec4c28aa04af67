/**
 * Tells, once, of agents that no beat was ever seen of, though they were looked for long enough: nothing is known of them that
 * could end, so they are no incident, and without this nobody would hear of a heartbeat that is declared where none is
 * written. What was told is kept in the ledger.
 */
import type { AgentConfig, Config } from '../config/config.ts'
import { maxText, nameSome } from '../domain/alert.ts'
import { sayDuration } from '../domain/duration.ts'
import type { Clock } from '../ports/clock.ts'
import type { Ledger } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import type { Journal } from './journal.ts'
import type { Notifier } from './notifier.ts'
import type { Roster } from './roster.ts'

const lookEveryMs = 30_000
/** Whoever declares an agent may want to start it afterwards. */
const leastMs = 300_000

const noteName = 'unheard'

export interface UnheardPorts {
  roster: Pick<Roster, 'agent' | 'host'>
  notifier: Pick<Notifier, 'notice'>
  journal: Pick<Journal, 'write'>
  ledger: Pick<Ledger, 'note'>
  clock: Clock
  log: Log
  /** Somebody works there. */
  inMaintenance: (agent: string) => boolean
}

/** Throws LedgerError where the ledger can't be read. */
export function startUnheard(config: () => Config, ports: UnheardPorts): { stop(): void } {
  const { roster, notifier, journal, ledger, clock, log, inMaintenance } = ports
  const told = new Set<string>(JSON.parse(ledger.note(noteName) ?? '[]'))
  /** Since when each could have been heard of: its host answers, and nobody has said that it is not to be looked for. */
  const lookedForMs = new Map<string, number>()
  let timer = clock.after(lookEveryMs, again)

  function again(): void {
    look()
    timer = clock.after(lookEveryMs, again)
  }

  function look(): void {
    const nowMs = clock.now()
    const { agents } = config()
    const known = [...told].filter((id) => agents.has(id) && isUnheard(id))
    for (const id of lookedForMs.keys()) if (!agents.has(id)) lookedForMs.delete(id)
    const fresh: AgentConfig[] = []
    for (const agent of agents.values()) {
      const { id } = agent
      if (!isLookedFor(agent)) {
        lookedForMs.delete(id)
        continue
      }
      const sinceMs = lookedForMs.get(id) ?? nowMs
      lookedForMs.set(id, sinceMs)
      if (!told.has(id) && nowMs - sinceMs >= waitMs(agent)) fresh.push(agent)
    }
    if (fresh.length === 0 && known.length === told.size) return
    told.clear()
    for (const id of [...known, ...fresh.map((agent) => agent.id)]) told.add(id)
    if (fresh.length > 0) tell(fresh)
    void journal.write([{ kind: 'note', name: noteName, value: JSON.stringify([...told]) }])
  }

  const isUnheard = (id: string) => {
    const record = roster.agent(id)
    return record !== undefined && record.facts.lastBeat === undefined
  }

  function isLookedFor({ id, host, heartbeat }: AgentConfig): boolean {
    if (!isUnheard(id) || roster.agent(id)?.facts.paused || inMaintenance(id)) return false
    // Who posts its beats is heard by the watch itself.
    return heartbeat.kind === 'push' || roster.host(host)?.status.state === 'up'
  }

  function tell(agents: readonly AgentConfig[]): void {
    const ids = agents.map(({ id }) => id)
    const least = Math.min(...agents.map(waitMs))
    const text = `${nameSome(ids, 200)} ${ids.length === 1 ? 'has' : 'have'} never been heard of, in ${sayDuration(least)} of looking: nothing is known of ${ids.length === 1 ? 'its life' : 'their lives'}. "towerwatch doctor ${ids[0]}" says why.`
    log.warn({ agents: ids }, text)
    notifier.notice({ subjects: ids.map((id) => ({ kind: 'agent', id })), text: text.slice(0, maxText) })
  }

  return { stop: () => timer.cancel() }
}

const waitMs = ({ timing }: AgentConfig): number => Math.max(leastMs, timing.periodMs + timing.graceMs)
