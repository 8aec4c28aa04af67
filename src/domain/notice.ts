/**
 * What is to be told now, from the facts alone: which problems, recoveries, reminders, acknowledgements and flappings
 * nobody has heard of yet, gathered into as few alerts as the policy wants. What was told is a fact in the incident itself,
 * so a crash at any point leaves nothing to repair: whoever comes next asks again and gets the same answer.
 *
 * What keeps a problem from being told is never kept in mind as a decision, only as "it was muted when it opened, and has
 * been since": such a one is nobody's business if it ends. Ends are never kept quiet.
 */
import { acknowledgedText, flappingText, problemText, recoveryText, reminderText, type Trouble } from './alert.ts'
import { type Acknowledgement, type Incident, type Subject, subjectKey } from './incident.ts'
import type { Policy } from './remedy.ts'

export interface AlertPolicy {
  /** News of one moment are gathered for so long into one alert. */
  groupWaitMs: number
  /** After an alert, the next news of its kind are gathered for so long. */
  groupIntervalMs: number
  /** Absent: never reminded. */
  remindMs?: number
}

export type NoticeKind = 'problem' | 'recovery' | 'reminder' | 'acknowledged' | 'notice'

/** One alert: an AlertRecord of the ledger. */
export interface Notice {
  id: string
  kind: NoticeKind
  subjects: { kind: 'agent' | 'host'; id: string; host: string }[]
  incidents: number[]
  at: number
  text: string
  durationMs?: number
}

/** What the sentences need to know of a subject beside its incident. */
export interface About {
  host: string
  policy: Policy
  lastBeatMs?: number
  agents: readonly string[]
  flapping?: { changes: number; withinMs: number; stableMs: number }
}

export interface NoticeFacts {
  /** The open ones, and closed ones about which somebody may still have to be told. */
  incidents: readonly Incident[]
  /** Since when it has been muted without a break: itself, its host or the fleet. Undefined: it isn't. */
  mutedSinceMs: (subject: Subject) => number | undefined
  about: (subject: Subject) => About
  policy: AlertPolicy
  /** When the last alert of a kind was made. */
  sent: Partial<Record<NoticeKind, number>>
  /** A fresh id for an alert. */
  newId: () => string
}

export interface Due {
  /** To be told in this order. */
  notices: Notice[]
  /** Incidents as they are from now on: to be written together with the notices. */
  amended: Incident[]
  /** When time alone makes something due next; infinite where it never does. */
  nextMs: number
}

const mostAtOnce = 100

export function dueNotices(facts: NoticeFacts, nowMs: number): Due {
  const { policy } = facts
  const book = new Map([...facts.incidents].sort((a, b) => a.number - b.number).map((incident) => [incident.number, incident]))
  const changed = new Set<number>()
  const notices: Notice[] = []
  const sent = { ...facts.sent }
  let nextMs = Number.POSITIVE_INFINITY

  const all = () => [...book.values()]
  const put = (incident: Incident) => {
    book.set(incident.number, incident)
    changed.add(incident.number)
  }
  /** Whether this moment has come; where not, it is one to come back at. */
  const isDue = (ms: number) => {
    if (ms > nowMs && ms < nextMs) nextMs = ms
    return ms <= nowMs
  }
  /** A clock that was set back must not keep anything waiting. */
  const past = (ms: number | undefined) => (ms === undefined || ms > nowMs ? Number.NEGATIVE_INFINITY : ms)
  const hasPaused = (kind: NoticeKind) => isDue(past(sent[kind]) + policy.groupIntervalMs)

  function tell(
    kind: NoticeKind,
    incidents: readonly Incident[],
    text: (troubles: Trouble[]) => string,
    mark: (told: Told) => Partial<Incident>,
  ) {
    for (let from = 0; from < incidents.length; from += mostAtOnce) {
      const some = incidents.slice(from, from + mostAtOnce)
      const id = facts.newId()
      notices.push(noticeOf(id, kind, some, text, facts, nowMs))
      for (const incident of some) put({ ...incident, ...mark({ alertId: id, atMs: nowMs }) })
    }
    sent[kind] = nowMs
  }

  /** All of a kind go together, as soon as the oldest has waited and the last alert of the kind is long enough ago. */
  function gather(kind: NoticeKind, incidents: readonly Incident[], sinceMs: (incident: Incident) => number): boolean {
    if (incidents.length === 0) return false
    const waited = isDue(Math.min(...incidents.map((incident) => past(sinceMs(incident)))) + policy.groupWaitMs)
    return hasPaused(kind) && waited
  }

  function tellRecoveries(): void {
    const ended = all().filter((incident) => incident.told && incident.closedMs !== undefined && !incident.recoveryTold)
    if (gather('recovery', ended, (incident) => incident.endNoticedMs ?? incident.closedMs ?? nowMs))
      tell('recovery', ended, recoveryText, (recoveryTold) => ({ recoveryTold }))
  }

  function tellProblems(): void {
    const waiting = new Set<string>()
    const ready: Incident[] = []
    for (const incident of all()) {
      if (isFinished(incident)) continue
      const key = subjectKey(incident.subject)
      // What went before with the same subject is told to its end first.
      if (!incident.told && !waiting.has(key) && quietSinceMs(incident) === undefined) ready.push(incident)
      waiting.add(key)
    }
    if (gather('problem', ready, ({ noticedMs }) => noticedMs)) tell('problem', ready, problemText, (told) => ({ told }))
  }

  function tellReminders(): void {
    const { remindMs } = policy
    if (remindMs === undefined) return
    const due = all().filter((incident) => {
      if (!incident.told || incident.closedMs !== undefined || quietSinceMs(incident) !== undefined) return false
      const untilMs = ackEndsMs(incident)
      if (untilMs !== undefined && !isDue(untilMs)) return false
      return isDue(Math.max(past(incident.told.atMs), past(incident.remindedMs)) + remindMs)
    })
    if (due.length > 0 && hasPaused('reminder')) tell('reminder', due, reminderText, ({ atMs }) => ({ remindedMs: atMs }))
  }

  function tellAcknowledgements(): void {
    const groups = new Map<string, { ack: Acknowledgement; incidents: Incident[] }>()
    for (const incident of all()) {
      const { ack } = incident
      // Nobody is told of somebody who looks after what nobody has heard of.
      if (!ack || ack.told || !incident.told || incident.closedMs !== undefined) continue
      const key = JSON.stringify([ack.by.kind, ack.by.id, ack.kind, ack.untilMs, ack.comment])
      const group = groups.get(key) ?? { ack, incidents: [] }
      group.incidents.push(incident)
      groups.set(key, group)
    }
    for (const { ack, incidents } of groups.values()) {
      const words = {
        name: ack.by.name,
        kind: ack.kind,
        ...(ack.comment !== undefined && { comment: ack.comment }),
        ...(ack.untilMs !== undefined && { forMs: ack.untilMs - ack.atMs }),
      }
      tell(
        'acknowledged',
        incidents,
        (troubles) => acknowledgedText(troubles, words),
        (told) => ({ ack: { ...ack, told } }),
      )
    }
  }

  function tellFlapping(): void {
    const due = all().filter(
      (incident) =>
        incident.flapping &&
        incident.told &&
        !incident.flappingTold &&
        incident.closedMs === undefined &&
        quietSinceMs(incident) === undefined,
    )
    if (due.length > 0 && hasPaused('notice')) tell('notice', due, flappingText, (flappingTold) => ({ flappingTold }))
  }

  /** Since when nobody is to hear of it: its subject is muted, or its host is lost, which is the problem that is told. */
  function quietSinceMs(incident: Incident): number | undefined {
    const mutedMs = facts.mutedSinceMs(incident.subject)
    if (incident.subject.kind === 'host') return mutedMs
    const lostMs = lostHosts.get(facts.about(incident.subject).host)
    return mutedMs === undefined || lostMs === undefined ? (mutedMs ?? lostMs) : Math.min(mutedMs, lostMs)
  }

  const lostHosts = new Map<string, number>()
  for (const { subject, closedMs, noticedMs } of all())
    if (subject.kind === 'host' && closedMs === undefined) lostHosts.set(subject.id, noticedMs)

  for (const incident of all()) {
    if (incident.told || incident.dropped) continue
    const quietMs = quietSinceMs(incident)
    const isInTheDark = incident.muted === true || (quietMs !== undefined && quietMs <= incident.noticedMs)
    if (incident.closedMs !== undefined) {
      if (isInTheDark) put({ ...incident, dropped: true })
    } else if (quietMs === undefined && incident.muted) put(withoutMuted(incident))
    else if (isInTheDark && !incident.muted) put({ ...incident, muted: true })
  }

  // What was told makes way for what had to wait for it: the end of a problem, the next one of the same subject.
  let before: number
  do {
    before = notices.length
    nextMs = Number.POSITIVE_INFINITY
    tellRecoveries()
    tellProblems()
    tellReminders()
    tellFlapping()
    tellAcknowledgements()
  } while (notices.length > before)

  return { notices, amended: [...changed].flatMap((number) => book.get(number) ?? []), nextMs }
}

type Told = NonNullable<Incident['told']>

/** Nothing of it is left to be told, now or later. */
function isFinished(incident: Incident): boolean {
  return incident.dropped === true || (incident.told !== undefined && incident.recoveryTold !== undefined)
}

/** Until when somebody looks after it; undefined where nobody does. */
function ackEndsMs({ ack }: Incident): number | undefined {
  return ack && (ack.untilMs ?? Number.POSITIVE_INFINITY)
}

function withoutMuted(incident: Incident): Incident {
  const { muted: _, ...rest } = incident
  return rest
}

function noticeOf(
  id: string,
  kind: NoticeKind,
  incidents: readonly Incident[],
  text: (troubles: Trouble[]) => string,
  facts: NoticeFacts,
  nowMs: number,
): Notice {
  const troubles = incidents.map((incident) => troubleOf(incident, facts.about(incident.subject), nowMs))
  const subjects = new Map(troubles.map(({ subject, host }) => [subjectKey(subject), { ...subject, host }]))
  return {
    id,
    kind,
    subjects: [...subjects.values()],
    incidents: incidents.map(({ number }) => number),
    at: nowMs,
    text: text(troubles),
    ...(kind === 'recovery' && { durationMs: Math.max(...troubles.map(({ lastedMs }) => lastedMs)) }),
  }
}

/** An incident as the sentences want it. */
export function troubleOf(incident: Incident, about: About, nowMs: number): Trouble {
  const { number, subject, cause, detail, openedMs, closedMs } = incident
  const beatAgeMs = about.lastBeatMs === undefined ? undefined : Math.max(0, nowMs - about.lastBeatMs)
  return {
    number,
    subject,
    host: about.host,
    cause,
    ...(detail !== undefined && { detail }),
    lastedMs: Math.max(0, (closedMs ?? nowMs) - openedMs),
    isOver: closedMs !== undefined,
    isDismissed: incident.dismissed === true,
    ...(beatAgeMs !== undefined && { beatAgeMs }),
    policy: about.policy,
    agents: about.agents,
    ...(about.flapping && { flapping: about.flapping }),
  }
}
