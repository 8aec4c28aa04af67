/**
 * Turns incidents into alerts: which, when and in how many is worked out by domain/notice.ts. Each alert goes into the
 * ledger in one write with the incidents that it tells of, so that nothing is told twice or never, wherever the watch dies.
 *
 * While the ledger can't be written, alerts are told from memory. They wait in the journal meanwhile, in their order; should
 * the watch die before they are written, they are told again, and their text says so.
 */
import type { Config } from '../config/config.ts'
import { fromMemoryText } from '../domain/alert.ts'
import type { Flapping, Unsteady } from '../domain/flapping.ts'
import type { Incident, Subject } from '../domain/incident.ts'
import { type About, dueNotices, type NoticeFacts, type NoticeKind } from '../domain/notice.ts'
import type { Clock } from '../ports/clock.ts'
import { type AlertRecord, type Ledger, LedgerError, type LedgerFact } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import type { Journal } from './journal.ts'
import type { Roster } from './roster.ts'

export interface News {
  /** Whom it is about; nobody: the watch itself. */
  subjects: readonly Subject[]
  /** At most 400 characters, one line. */
  text: string
  /** Receivers who are not to be told. */
  except?: readonly string[]
}

export interface Notifier {
  /** Tells something that neither begins nor ends a problem. Nothing keeps it quiet. */
  notice(news: News): void
  /** Has an alert told that somebody else made; resolves when it is durable that it will be. */
  tell(alert: AlertRecord): Promise<void>
  /** Alerts that the ledger could not take yet, oldest first; none while it can be written. */
  unwritten(): AlertRecord[]
  /** What the sentences need to know of a subject. */
  about(subject: Subject): About
  /** There is a new alert in the outbox. */
  on(listener: (alert: AlertRecord) => void): () => void
  /** When time alone makes something due next; a look before it would find nothing. */
  dueMs(): number
  stop(): void
}

export interface NotifierPorts {
  roster: Pick<Roster, 'agent' | 'host' | 'incidents' | 'amend' | 'on'>
  mutes: { mutedSinceMs(subject: Subject, nowMs: number): number | undefined; on(listener: () => void): () => void }
  journal: Journal
  ledger: Pick<Ledger, 'incidents'>
  clock: Clock
  log: Log
  /** A fresh id for an alert, unique for ever. */
  newId: () => string
  /** The watch has given it up: nobody is to hear that it restarts it. */
  isGivenUp?: ((agent: string) => boolean) | undefined
}

/** How soon it is noticed that the ledger doesn't take an alert. */
const unwrittenMs = 1_000
/** The machine may sleep: then the time of day goes on, and timers don't. */
const longestSleepMs = 60_000

/** `config` answers with the declaration as it is at that moment. */
export function startNotifier(config: () => Config, ports: NotifierPorts): Notifier {
  const { roster, mutes, journal, clock, log } = ports
  const listeners = new Set<(alert: AlertRecord) => void>()
  /** Made, and not in the ledger yet. */
  const pending = new Map<string, { alert: AlertRecord; isSaid: boolean }>()
  const homes = new Map<string, string>()
  let sent = lastSent()
  let dueMs = Number.POSITIVE_INFINITY
  let timer: { cancel(): void } | undefined
  let isLookPlanned = false
  let isStopped = false

  /** A watch that starts again within the group interval goes on with it. */
  function lastSent(): NoticeFacts['sent'] {
    const newest: Partial<Record<NoticeKind, number>> = {}
    const see = (kind: NoticeKind, ms: number | undefined) => {
      if (ms !== undefined && ms > (newest[kind] ?? Number.NEGATIVE_INFINITY)) newest[kind] = ms
    }
    for (const incident of recentIncidents()) {
      see('problem', incident.told?.atMs)
      see('recovery', incident.recoveryTold?.atMs)
      see('reminder', incident.remindedMs)
      see('notice', incident.flappingTold?.atMs)
    }
    return newest
  }

  function recentIncidents(): Incident[] {
    try {
      return ports.ledger.incidents({ limit: 1_000 })
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      log.error({ err: error.message }, 'the last alerts could not be read: the next one may come a little early')
      return roster.incidents()
    }
  }

  function about(subject: Subject): About {
    const { agents } = config()
    if (subject.kind === 'host') {
      const mine = [...agents.values()].filter(({ host }) => host === subject.id).map(({ id }) => id)
      return { host: subject.id, policy: 'off', agents: mine, ...flappingOf(config().flapping, roster.host(subject.id)) }
    }
    const declared = agents.get(subject.id)
    if (declared) homes.set(subject.id, declared.host)
    const record = roster.agent(subject.id)
    return {
      // Who is declared no more may have been heard of before that.
      host: homes.get(subject.id) ?? 'unknown',
      policy: ports.isGivenUp?.(subject.id) ? 'off' : (declared?.policy ?? 'off'),
      agents: [],
      ...(record?.facts.lastBeat && { lastBeatMs: record.facts.lastBeat.atMs }),
      ...flappingOf(declared?.timing.flapping, record),
    }
  }

  /** What has happened, where that is known, else what the rule asks for. */
  function flappingOf(rule: Flapping | undefined, { changesMs = [] }: Unsteady = {}): Pick<About, 'flapping'> {
    const [firstMs] = changesMs
    if (!rule) return {}
    if (firstMs === undefined) return { flapping: rule }
    return { flapping: { ...rule, changes: changesMs.length, withinMs: Math.max(0, clock.now() - firstMs) } }
  }

  function emit(alert: AlertRecord): void {
    for (const listener of listeners) listener(alert)
  }

  /** Ledger first: it is said once it is durable, or once it is plain that it can't be. */
  function keep(alert: AlertRecord, written: Promise<void>): void {
    const entry = { alert, isSaid: false }
    pending.set(alert.id, entry)
    void written.then(() => {
      pending.delete(alert.id)
      if (!entry.isSaid && !isStopped) emit(alert)
    })
  }

  /** `told`: who is taken to have heard it already. */
  function tell(alert: AlertRecord, told: readonly LedgerFact[]): Promise<void> {
    const written = journal.write([{ kind: 'alert', alert }, ...told])
    keep(alert, written)
    sayFromMemory()
    wake()
    return written
  }

  function sayFromMemory(): void {
    if (!journal.isBroken()) return
    for (const entry of pending.values()) {
      if (entry.isSaid) continue
      entry.isSaid = true
      emit(entry.alert)
    }
  }

  function look(): void {
    isLookPlanned = false
    if (isStopped) return
    const nowMs = clock.now()
    const due = dueNotices(
      {
        incidents: roster.incidents(),
        mutedSinceMs: (subject) => mutes.mutedSinceMs(subject, nowMs),
        about,
        policy: config().alerts,
        sent,
        newId: ports.newId,
      },
      nowMs,
    )
    dueMs = due.nextMs
    if (due.amended.length > 0) {
      for (const { kind, at } of due.notices) sent = { ...sent, [kind]: at }
      const facts: LedgerFact[] = due.notices.map((alert) => ({ kind: 'alert', alert }))
      const written = roster.amend(due.amended, facts)
      for (const alert of due.notices) keep(alert, written)
    }
    sayFromMemory()
    wake()
  }

  function wake(): void {
    timer?.cancel()
    const isWaiting = [...pending.values()].some(({ isSaid }) => !isSaid)
    const inMs = Math.min(dueMs - clock.now(), isWaiting ? unwrittenMs : Number.POSITIVE_INFINITY)
    timer = Number.isFinite(inMs) ? clock.after(Math.max(0, Math.min(inMs, longestSleepMs)), look) : undefined
  }

  /** Many incidents of one moment are looked at together. */
  function planLook(): void {
    if (isLookPlanned) return
    isLookPlanned = true
    queueMicrotask(look)
  }

  const offRoster = roster.on((event) => {
    if (event.kind === 'incident') planLook()
  })
  const offMutes = mutes.on(planLook)
  for (const agent of config().agents.values()) homes.set(agent.id, agent.host)
  planLook()

  return {
    about,
    notice: ({ subjects, text, except = [] }) => {
      const atMs = clock.now()
      const alert: AlertRecord = {
        id: ports.newId(),
        kind: 'notice',
        subjects: subjects.slice(0, 100).map((subject) => ({ ...subject, host: about(subject).host })),
        incidents: [],
        at: atMs,
        text: text.slice(0, 400),
      }
      void tell(
        alert,
        except.map((receiver) => ({ kind: 'told', receiver, alertId: alert.id, atMs })),
      )
    },
    tell: (alert) => tell(alert, []),
    unwritten: () => (journal.isBroken() ? [...pending.values()].map(({ alert }) => ({ ...alert, text: fromMemoryText(alert.text) })) : []),
    on: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    dueMs: () => dueMs,
    stop: () => {
      isStopped = true
      timer?.cancel()
      offRoster()
      offMutes()
    },
  }
}
