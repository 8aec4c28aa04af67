/** Problems as people deal with them: opened, told, acknowledged, closed; and the words with which people keep them quiet. */
import type { Actor } from './operation.ts'

/** Whom something is about. */
export type Subject = { kind: 'agent' | 'host'; id: string }

export function subjectKey(subject: Subject): string {
  return `${subject.kind}:${subject.id}`
}

/**
 * One problem, from its beginning to its end. Facts only: whether somebody must be told now is worked out from them
 * (domain/notice.ts), so a crash at any point leaves nothing to repair.
 */
export interface Incident {
  /** What people type to name it. */
  number: number
  subject: Subject
  cause: string
  /** More about the cause, in words: "job backup is overdue". */
  detail?: string
  /** When it happened. */
  openedMs: number
  /** When the watch noticed. */
  noticedMs: number
  /** When it ended; absent while it is open. */
  closedMs?: number
  /** When the watch noticed its end. */
  endNoticedMs?: number
  /** Its subject goes up and down so often that it stays open until that has been stable for a while. */
  flapping?: true
  /** That it flaps was said aloud. */
  flappingTold?: { alertId: string; atMs: number }
  /** It was muted when it opened, and has been since: nobody was to hear of it so far. */
  muted?: true
  /** Said aloud as a problem: by this alert. Absent: nobody has heard of it. */
  told?: { alertId: string; atMs: number }
  remindedMs?: number
  /** Its end was said aloud. A problem that was told is told to have ended exactly once, one that wasn't never. */
  recoveryTold?: { alertId: string; atMs: number }
  /** It closed before anybody was told, and was muted all that time: nobody will be. */
  dropped?: true
  ack?: Acknowledgement
  /** It was closed because its subject is declared no more, not because it came back. */
  dismissed?: true
}

/** normal: until its subject's state changes. sticky: until it is over. Both at most `untilMs`. */
export interface Acknowledgement {
  kind: 'normal' | 'sticky'
  by: Actor
  atMs: number
  untilMs?: number
  comment?: string
  /** That somebody looks after it was said aloud. */
  told?: { alertId: string; atMs: number }
}

/** What keeps alerts from being told, for a time: a silence, or maintenance (which also doesn't count for uptime). */
export interface Mute {
  number: number
  kind: 'silence' | 'maintenance'
  /** `fleet`: everybody. A host's mute covers its agents. */
  subject: Subject | { kind: 'fleet'; id: '' }
  fromMs: number
  /** Ends at this moment, or earlier where a person ended it: then this is when. */
  toMs: number
  reason: string
  by: Actor
  /** The declared window that it comes from, so that it is written once. */
  window?: string
}
