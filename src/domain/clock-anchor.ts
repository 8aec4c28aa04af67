/** Where the watch's own time begins at its start. */

/** A moment of the watch's time, and when that was in the life of the machine. */
interface Mark {
  atMs: number
  /** Which boot `bootMs` counts from; empty where the system tells none. */
  boot: string
  /** Milliseconds since that boot, asleep or awake. */
  bootMs: number
}

/**
 * The watch's time at a moment of the machine, given the last moment that an earlier life of the watch left behind. In the
 * same boot time is carried on, whatever somebody did to the wall clock in between. In another one only the wall clock can
 * tell, but time never goes back behind what is in the ledger already: a battery that ran empty sets the wall to 1970.
 */
export function clockAnchor(mark: Mark | undefined, now: { boot: string; bootMs: number; wallMs: number }): number {
  if (!mark) return now.wallMs
  // A machine that was put back to an earlier moment (a snapshot) counts its boot from there again.
  if (mark.boot !== '' && mark.boot === now.boot && now.bootMs >= mark.bootMs) return mark.atMs + now.bootMs - mark.bootMs
  return Math.max(now.wallMs, mark.atMs)
}
