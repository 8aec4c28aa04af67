/** Somewhere beside the Tower where alerts go: a webhook, a command that wakes somebody. */
import type { AlertRecord } from './ledger.ts'

/**
 * An alert was not taken. `message` is one plain sentence without secrets, since players read it.
 *
 * failed: it may be taken later, not before `retryAfterMs` where that is said. refused: this one never will be.
 */
export class SinkError extends Error {
  override name = 'SinkError'
  readonly kind: 'failed' | 'refused'
  readonly retryAfterMs: number | undefined
  /** For the operator's log alone: what the program there said. */
  readonly detail: string | undefined

  constructor(kind: 'failed' | 'refused', message: string, more: { retryAfterMs?: number | undefined; detail?: string | undefined } = {}) {
    super(message)
    this.kind = kind
    this.retryAfterMs = more.retryAfterMs
    this.detail = more.detail
  }
}

export interface Sink {
  /**
   * Resolves once it was taken; rejects with SinkError. The same alert may come again, with the same id. A fired `signal`
   * calls it off: it rejects soon, and nothing is left running.
   */
  tell(alert: AlertRecord, signal: AbortSignal): Promise<void>
}
