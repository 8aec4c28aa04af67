/** What truly happened to an agent, in the order in which the watch could have come to know it. The oracle judges from it. */

export type Moment =
  /**
   * Beats that reached the watch, each within a period of the one before. `isMoving`: each of them showed progress, or
   * idleness. Times are those of the beats themselves.
   */
  | { kind: 'beats'; fromMs: number; toMs: number; epoch: string; fromSeq: number; toSeq: number; isMoving: boolean; isIdle: boolean }
  /** Its host was asked twice and said both times that its process is gone; `atMs` is the first time, `sureMs` the second. */
  | { kind: 'gone'; atMs: number; sureMs: number }
  /** The way to its host is lost, as the watch found at `atMs`; the last answer was at `sinceMs`. */
  | { kind: 'host-lost'; sinceMs: number; atMs: number }
  /** Its host answers again. */
  | { kind: 'host-back'; atMs: number }
  /**
   * The watch did not look from `sinceMs`, as it could know at `atMs`. `lostMs`: what it saw so long before is lost where it
   * was not written.
   */
  | { kind: 'blind'; sinceMs: number; atMs: number; lostMs: number }
  /** The watch looks at it again. */
  | { kind: 'seen'; atMs: number }

/** An agent that truly lived without being able to prove it in time is no death: what the thresholds made of it. */
export interface History {
  readonly id: string
  readonly periodMs: number
  readonly graceMs: number
  readonly hungMs: number | undefined
  readonly isPosted: boolean
  readonly moments: Moment[]
  /** When the agent truly was dead, silent or stuck: [from, to), in order. */
  readonly troubles: { fromMs: number; toMs: number; kind: string }[]
}
