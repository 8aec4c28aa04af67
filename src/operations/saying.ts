/** Words about incidents, silences and maintenance that several operations say. */
import { parseDuration, sayDuration } from '../domain/duration.ts'
import type { Acknowledgement, Incident, Mute } from '../domain/incident.ts'
import { nearest } from '../domain/nearest.ts'
import type { CheckedArguments, MuteBook, OperationContext } from './operation.ts'

/** "ezra", "host ezra", "the whole fleet". */
export function saySubject(subject: Mute['subject']): string {
  if (subject.kind === 'fleet') return 'the whole fleet'
  return subject.kind === 'host' ? `host ${subject.id}` : subject.id
}

/** The argument of the kind `subject`, after checking: `agent:ezra`, `host:ezra` or `all`. */
export function toSubject(value: string): Mute['subject'] {
  const [kind, id = ''] = value.split(':')
  if (kind === 'agent' || kind === 'host') return { kind, id }
  return { kind: 'fleet', id: '' }
}

/** The argument of the kind `duration`, after checking, in milliseconds; undefined where it was left out. */
export function durationOf(args: CheckedArguments): number | undefined {
  const text = args['duration']
  return text === undefined ? undefined : parseDuration(text)
}

/** "by ada 5 min ago, until it is over, at most another 2 h: on it" */
export function sayAck(ack: Acknowledgement, nowMs: number): string {
  return `by ${ack.by.name} ${sayDuration(nowMs - ack.atMs)} ago, ${sayHold(ack, nowMs)}`
}

/** "until it is over, at most another 2 h: on it" */
export function sayHold(ack: Acknowledgement, nowMs: number): string {
  const until = ack.kind === 'sticky' ? 'until it is over' : 'until its state changes'
  const most = ack.untilMs === undefined ? '' : `, at most another ${sayDuration(ack.untilMs - nowMs)}`
  return `${until}${most}${ack.comment === undefined ? '' : `: ${ack.comment}`}`
}

/** "silence 3, for another 1 h 20 min, by ada: disk is being swapped" */
export function sayMute(mute: Mute, nowMs: number): string {
  const isInForce = mute.fromMs <= nowMs
  return `${mute.kind} ${mute.number}, ${isInForce ? 'for ' : ''}${sayWhen(mute, nowMs)}, by ${mute.by.name}: ${mute.reason}`
}

/** "another 1 h 20 min", "in 5 min for 2 h". */
export function sayWhen({ fromMs, toMs }: Pick<Mute, 'fromMs' | 'toMs'>, nowMs: number): string {
  if (fromMs > nowMs) return `in ${sayDuration(fromMs - nowMs)} for ${sayDuration(toMs - fromMs)}`
  return `another ${sayDuration(toMs - nowMs)}`
}

/** An incident that can still be acknowledged, or why it can't. */
export function openIncident(
  value: string,
  context: Pick<OperationContext, 'incident' | 'incidents' | 'clock'>,
): { incident: Incident } | { refusal: string } {
  const incident = context.incident(Number(value))
  if (!incident) return { refusal: `There is no incident #${value}. ${whichIncident(value, context.incidents())}` }
  if (incident.closedMs === undefined) return { incident }
  const ago = sayDuration(context.clock.now() - incident.closedMs)
  return { refusal: `#${incident.number} (${saySubject(incident.subject)}) was over ${ago} ago.` }
}

/** What was meant by a number that no incident has. */
function whichIncident(value: string, incidents: readonly Incident[]): string {
  const open = new Map(
    incidents.filter(({ closedMs }) => closedMs === undefined).map((one) => [String(one.number), saySubject(one.subject)]),
  )
  const near = nearest(value, open.keys())
  return near === undefined ? 'To see them, type: incidents' : `Did you mean #${near} (${open.get(near)})?`
}

/** Facts of a mute for programs. */
export function muteData(mute: Mute, nowMs: number) {
  return {
    number: mute.number,
    kind: mute.kind,
    subject: mute.subject.kind === 'fleet' ? 'all' : `${mute.subject.kind}:${mute.subject.id}`,
    from: new Date(mute.fromMs).toISOString(),
    to: new Date(mute.toMs).toISOString(),
    isInForce: mute.fromMs <= nowMs,
    reason: mute.reason,
    by: mute.by.name,
  }
}

/** The one that is in force or to come, of this number. */
export function findMute(mutes: MuteBook, value: string, nowMs: number): Mute | undefined {
  return mutes.list(nowMs).find(({ number }) => number === Number(value))
}
