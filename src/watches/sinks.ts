/** The sinks that fleet.yaml declares, each with its own pump. What is kept of one is in a note of the ledger. */
import type { Config, SinkConfig } from '../config/config.ts'
import type { Incident } from '../domain/incident.ts'
import type { Clock } from '../ports/clock.ts'
import { type Ledger, LedgerError } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import type { Sink } from '../ports/sink.ts'
import type { Journal } from './journal.ts'
import type { Notifier } from './notifier.ts'
import type { Outbox } from './outbox.ts'
import type { Roster } from './roster.ts'
import { type SinkPump, type SinkState, sinkReceiver, startSinkPump } from './sink-pump.ts'

export interface Sinks {
  /** Takes over another declaration. One that is declared anew, or again, gets what is told from now on. */
  declare(config: Config): Promise<void>
  stop(): Promise<void>
}

export interface SinksPorts {
  sink: (config: SinkConfig) => Sink
  outbox: Outbox
  notifier: Pick<Notifier, 'about' | 'notice' | 'on'>
  roster: Pick<Roster, 'incident'>
  ledger: Pick<Ledger, 'note' | 'incidents'>
  journal: Journal
  clock: Clock
  log: Log
  /** In [0, 1). */
  random: () => number
}

/** The ids that were declared last: who isn't among them begins anew. */
const declaredNote = 'sinks'

/** Throws LedgerError where the ledger can't be read. */
export function startSinks(config: Config, ports: SinksPorts): Sinks {
  const { ledger, journal, clock, log } = ports
  const states = new Map<string, SinkState>()
  let pumps: SinkPump[] = []

  for (const id of readIds(ledger.note(declaredNote))) {
    const state = readState(ledger.note(sinkReceiver(id)))
    if (state) states.set(id, state)
  }

  function begin(next: Config): void {
    for (const id of states.keys()) if (!next.sinks.has(id)) states.delete(id)
    for (const [id, sink] of next.sinks) {
      const state = states.get(id) ?? { fromMs: clock.now(), open: [] }
      if (!states.has(id)) void journal.write([{ kind: 'note', name: sinkReceiver(id), value: JSON.stringify(state) }])
      states.set(id, state)
      pumps.push(
        startSinkPump(
          { id, afterMs: sink.afterMs, state, kept: (kept) => states.set(id, kept) },
          { ...ports, sink: ports.sink(sink), incident, about: ports.notifier.about, notice: ports.notifier.notice },
        ),
      )
    }
    void journal.write([{ kind: 'note', name: declaredNote, value: JSON.stringify([...next.sinks.keys()]) }])
  }

  /** Also one that nobody has to be told of any more, but this sink. */
  function incident(number: number): Incident | undefined {
    try {
      return ports.roster.incident(number) ?? ledger.incidents({ number, limit: 1 })[0]
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      log.error({ incident: number, err: error.message }, 'an incident could not be looked up for a sink')
      return undefined
    }
  }

  const off = ports.notifier.on(() => {
    for (const pump of pumps) pump.alertsWaiting()
  })

  async function end(): Promise<void> {
    const former = pumps
    pumps = []
    await Promise.all(former.map((pump) => pump.stop()))
  }

  begin(config)

  return {
    declare: async (next) => {
      await end()
      begin(next)
    },
    stop: async () => {
      off()
      await end()
    },
  }
}

/** Undefined where it is no JSON: then the sink begins anew. */
function parsed(note: string | undefined): unknown {
  try {
    return note === undefined ? undefined : JSON.parse(note)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return undefined
  }
}

function readIds(note: string | undefined): string[] {
  const value = parsed(note)
  return Array.isArray(value) ? value.filter((id) => typeof id === 'string') : []
}

function readState(note: string | undefined): SinkState | undefined {
  const value = parsed(note)
  if (typeof value !== 'object' || value === null || !('fromMs' in value) || !('open' in value)) return undefined
  const { fromMs, open } = value
  if (typeof fromMs !== 'number' || !Array.isArray(open)) return undefined
  return { fromMs, open: open.filter((number) => typeof number === 'number') }
}
