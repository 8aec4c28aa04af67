/** Time as the watch measures it. Tests put in a clock of their own. */
export interface Clock {
  /** Epoch milliseconds that never step: taken from the wall once, then moved by the monotonic clock. */
  now(): number
  /** Calls back once after `ms`, unless cancelled. */
  after(ms: number, callback: () => void): { cancel(): void }
}
