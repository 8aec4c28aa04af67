/**
 * Carries the alerts of the outbox to one sink: each at least once, those about one subject in their order. A sink that
 * doesn't answer is tried again for ever; an alert that the sink refuses is set aside at last, with a word to everybody else.
 */
import { recoveryText, reminderText } from '../domain/alert.ts'
import { type Incident, type Subject, subjectKey } from '../domain/incident.ts'
import { type About, troubleOf } from '../domain/notice.ts'
import type { Clock } from '../ports/clock.ts'
import type { AlertRecord } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import { type Sink, SinkError } from '../ports/sink.ts'
import type { News } from './notifier.ts'
import type { Outbox } from './outbox.ts'

/** What is kept of a sink in the ledger. */
export interface SinkState {
  /** When it was first declared: what was told before is no news to it. */
  fromMs: number
  /** Incidents of whose beginning it was told, and of whose end it wasn't yet. */
  open: number[]
}

export interface SinkPump {
  /** There may be something new for it. */
  alertsWaiting(): void
  stop(): Promise<void>
}

export interface SinkPumpPorts {
  sink: Sink
  outbox: Outbox
  incident: (number: number) => Incident | undefined
  about: (subject: Subject) => About
  notice: (news: News) => void
  clock: Clock
  log: Log
  /** In [0, 1). */
  random: () => number
}

export interface SinkPumpOptions {
  id: string
  /** Problems are told only when nobody has acknowledged them for so long. */
  afterMs: number
  state: SinkState
  /** The state is another from now on; it is on its way to the ledger. */
  kept: (state: SinkState) => void
}

/** How many waiting alerts are looked at. */
const window = 200
const firstWaitMs = 1_000
const longestWaitMs = 300_000
const longestAskedMs = 3_600_000
/** When everybody else hears that a sink takes nothing. */
const sayAfterMs = 600_000
const sayAfterRefusals = 3
/** An alert that the sink refuses for so long is given up; so is one that fails for so long, and so often, while others pass. */
const hopelessMs = 3_600_000
const hopelessTries = 20
const lookAgainMs = 60_000

interface Tries {
  count: number
  refusals: number
  firstMs: number
  nextMs: number
}

type Verdict = { kind: 'send'; alert: AlertRecord } | { kind: 'skip' } | { kind: 'wait'; untilMs: number }

export function sinkReceiver(id: string): string {
  return `sink:${id}`
}

export function startSinkPump(options: SinkPumpOptions, ports: SinkPumpPorts): SinkPump {
  const { id, afterMs } = options
  const { sink, outbox, clock, log } = ports
  const receiver = sinkReceiver(id)
  const stopping = new AbortController()
  const tries = new Map<string, Tries>()
  let state = options.state
  let restUntilMs = Number.NEGATIVE_INFINITY
  /** Failed attempts in a row. */
  let failures = 0
  let failingSinceMs: number | undefined
  let acceptedMs = Number.NEGATIVE_INFINITY
  let isSaid = false
  let underWay: Promise<void> | undefined
  let timer: { cancel(): void } | undefined

  function run(): void {
    if (underWay || stopping.signal.aborted) return
    timer?.cancel()
    const nowMs = clock.now()
    const { next, wakeMs } = restUntilMs > nowMs ? { next: undefined, wakeMs: restUntilMs } : choose(nowMs)
    if (next) {
      underWay = attempt(next).finally(() => {
        underWay = undefined
        run()
      })
    } else timer = clock.after(Math.min(wakeMs - nowMs, lookAgainMs), run)
  }

  /**
   * The oldest that may go: none that waits for its time, and none behind one about the same subject. Where that has failed
   * again and again, each second time the one that was tried least: it may be the alert, not the sink.
   */
  function choose(nowMs: number): { next: { original: AlertRecord; sent: AlertRecord } | undefined; wakeMs: number } {
    const held = new Set<string>()
    const isProbe = failures >= 3 && failures % 2 === 1
    let next: { original: AlertRecord; sent: AlertRecord } | undefined
    let wakeMs = Number.POSITIVE_INFINITY
    const waiting = outbox.untold(receiver, window, state.fromMs)
    forgetTriesBut(waiting)
    for (const alert of waiting) {
      const keys = alert.subjects.length === 0 ? ['watch'] : alert.subjects.map(subjectKey)
      const verdict = keys.some((key) => held.has(key)) ? undefined : judge(alert, nowMs)
      if (verdict?.kind === 'skip') {
        outbox.told(receiver, alert.id)
        continue
      }
      const nextMs = verdict?.kind === 'wait' ? verdict.untilMs : (tries.get(alert.id)?.nextMs ?? nowMs)
      if (verdict?.kind === 'send' && nextMs <= nowMs) {
        if (!next || triesOf(alert) < triesOf(next.original)) next = { original: alert, sent: verdict.alert }
        if (!isProbe || triesOf(alert) === 0) break
      }
      for (const key of keys) held.add(key)
      if (verdict && nextMs < wakeMs) wakeMs = nextMs
    }
    return { next, wakeMs }
  }

  const triesOf = (alert: AlertRecord) => tries.get(alert.id)?.count ?? 0

  function forgetTriesBut(waiting: readonly AlertRecord[]): void {
    const ids = new Set(waiting.map((alert) => alert.id))
    for (const alertId of tries.keys()) if (!ids.has(alertId)) tries.delete(alertId)
  }

  function judge(alert: AlertRecord, nowMs: number): Verdict {
    const heard = alert.incidents.filter((number) => state.open.includes(number))
    switch (alert.kind) {
      case 'problem':
      case 'reminder':
        return afterMs === 0 ? { kind: 'send', alert } : judgeLasting(alert, nowMs)
      case 'recovery':
        if (heard.length === 0) return { kind: 'skip' }
        return { kind: 'send', alert: heard.length === alert.incidents.length ? alert : retold(alert, heard, nowMs) }
      case 'acknowledged':
        return heard.length === 0 ? { kind: 'skip' } : { kind: 'send', alert }
      case 'notice':
        return alert.incidents.length > 0 && afterMs > 0 && heard.length === 0 ? { kind: 'skip' } : { kind: 'send', alert }
    }
  }

  /** Only what is still open, and nobody has said he looks after. */
  function judgeLasting(alert: AlertRecord, nowMs: number): Verdict {
    const known = alert.incidents.flatMap((number) => ports.incident(number) ?? [])
    if (known.length === alert.incidents.length && known.every(({ closedMs }) => closedMs !== undefined)) return { kind: 'skip' }
    const toldMs = Math.min(alert.at, ...known.map(({ told }) => told?.atMs ?? alert.at))
    // Its problem has still to go there.
    if (alert.kind === 'reminder' && alert.at < toldMs + afterMs) return { kind: 'skip' }
    if (nowMs < toldMs + afterMs) return { kind: 'wait', untilMs: toldMs + afterMs }
    // What can't be looked up is better told than forgotten.
    if (known.length < alert.incidents.length) return { kind: 'send', alert }
    const lasting = known.filter((incident) => incident.closedMs === undefined && !isAcknowledged(incident, nowMs))
    if (lasting.length === 0) return { kind: 'skip' }
    return {
      kind: 'send',
      alert: retold(
        alert,
        lasting.map(({ number }) => number),
        nowMs,
      ),
    }
  }

  /** The same alert, about some of its incidents only, and as they are now. */
  function retold(alert: AlertRecord, numbers: readonly number[], nowMs: number): AlertRecord {
    const found = numbers.flatMap((number) => ports.incident(number) ?? [])
    if (found.length < numbers.length) return alert
    const troubles = found.map((incident) => troubleOf(incident, ports.about(incident.subject), nowMs))
    const keys = new Set(found.map(({ subject }) => subjectKey(subject)))
    return {
      ...alert,
      incidents: [...numbers],
      subjects: alert.subjects.filter((subject) => keys.has(subjectKey(subject))),
      text: alert.kind === 'recovery' ? recoveryText(troubles) : reminderText(troubles),
      ...(alert.durationMs !== undefined && { durationMs: Math.max(...troubles.map(({ lastedMs }) => lastedMs)) }),
    }
  }

  async function attempt({ original, sent }: { original: AlertRecord; sent: AlertRecord }): Promise<void> {
    try {
      await sink.tell(sent, stopping.signal)
    } catch (error) {
      // Called off: it goes again when the watch starts again.
      if (stopping.signal.aborted) return
      failed(original, error instanceof SinkError ? error : new SinkError('failed', 'it failed by a fault of its own'))
      return
    }
    accepted(sent)
  }

  function accepted(alert: AlertRecord): void {
    acceptedMs = clock.now()
    // It is there again: what it didn't take meanwhile goes now.
    if (failures > 0) for (const entry of tries.values()) if (entry.refusals === 0) entry.nextMs = acceptedMs
    failures = 0
    failingSinceMs = undefined
    tries.delete(alert.id)
    outbox.told(receiver, alert.id, noted(alert))
    if (isSaid) say(`Alerts reach ${id} again.`)
    isSaid = false
  }

  /** What it now knows of, kept together with that it was told. */
  function noted({ kind, incidents }: AlertRecord) {
    const open = new Set(state.open)
    if (kind === 'problem' || kind === 'reminder') for (const number of incidents) open.add(number)
    else if (kind === 'recovery') for (const number of incidents) open.delete(number)
    else return []
    state = { ...state, open: [...open] }
    options.kept(state)
    return [{ kind: 'note' as const, name: receiver, value: JSON.stringify(state) }]
  }

  function failed(alert: AlertRecord, error: SinkError): void {
    const nowMs = clock.now()
    const before = tries.get(alert.id) ?? { count: 0, refusals: 0, firstMs: nowMs, nextMs: nowMs }
    const refusals = before.refusals + (error.kind === 'refused' ? 1 : 0)
    const entry = { count: before.count + 1, refusals, firstMs: before.firstMs, nextMs: nowMs + waitMs(before.count) }
    tries.set(alert.id, entry)
    failingSinceMs ??= nowMs
    const fields = {
      sink: id,
      alert: alert.id,
      tries: entry.count,
      fault: error.message,
      ...(error.detail !== undefined && { detail: error.detail }),
    }
    if (isHopeless(entry, error, nowMs)) {
      log.error(fields, 'an alert was given up for a sink that does not take it')
      outbox.told(receiver, alert.id)
      say(`${id} does not take one of the alerts (${error.message}): it was left out there. The alert was: ${alert.text}`)
    } else if (failures === 0) log.warn(fields, 'an alert did not reach a sink; it is tried again')
    else log.debug(fields, 'an alert did not reach a sink; it is tried again')
    // Who refuses one alert may take the next.
    restUntilMs = nowMs + (error.kind === 'refused' ? firstWaitMs : waitMs(failures))
    if (error.retryAfterMs !== undefined) restUntilMs = Math.max(restUntilMs, nowMs + Math.min(error.retryAfterMs, longestAskedMs))
    failures++
    if (!isSaid && (nowMs - failingSinceMs >= sayAfterMs || refusals >= sayAfterRefusals)) {
      isSaid = true
      log.error(fields, 'a sink takes no alerts')
      say(`Alerts don't reach ${id}: ${error.message}. They wait, and are tried again.`)
    }
  }

  function isHopeless(entry: Tries, error: SinkError, nowMs: number): boolean {
    if (nowMs - entry.firstMs < hopelessMs) return false
    return error.kind === 'refused' || (entry.count >= hopelessTries && acceptedMs > entry.firstMs)
  }

  /** Full jitter over 1 s, 2 s, 4 s … 5 min: many sinks behind one broken line must not come back in step. */
  function waitMs(before: number): number {
    return Math.max(firstWaitMs, Math.round(ports.random() * Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(before, 16))))
  }

  /** To everybody but the sink itself. */
  function say(text: string): void {
    ports.notice({ subjects: [], text, except: [receiver] })
  }

  run()

  return {
    alertsWaiting: run,
    stop: async () => {
      stopping.abort()
      timer?.cancel()
      await underWay
    },
  }
}

function isAcknowledged({ ack }: Incident, nowMs: number): boolean {
  return ack !== undefined && (ack.untilMs ?? Number.POSITIVE_INFINITY) > nowMs
}
