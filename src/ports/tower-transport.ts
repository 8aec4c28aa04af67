/**
 * One way of talking to an Evennia game: websocket or telnet with GMCP. Both pass test/contracts/tower-transport.ts
 * against real Evennia. A transport moves messages; what they mean is the tower session's business.
 */
import type { TowerMessage, WatchMessage } from '../protocol/messages.ts'

export interface TowerTransport {
  readonly kind: 'websocket' | 'telnet'
  /**
   * Opens a connection and logs in. Resolves once the game has said that the account is logged in.
   *
   * Rejects with TowerConnectError: `refused` (wrong name or password, or the address is locked out: do not try again for
   * two minutes, five failures in five minutes lock every player of this address out), `untrusted` (its certificate is not
   * that of a Tower we may trust: no password was sent, and only a person can mend it), `unreachable`, `timeout`
   * (no answer within `timeoutMs`), or `aborted` (the signal fired).
   */
  connect(account: TowerAccount, listener: TowerListener, bounds: { timeoutMs: number; signal: AbortSignal }): Promise<TowerConnection>
}

export interface TowerAccount {
  name: string
  password: string
}

/** Called in the order of arrival. Never called after `closed`. */
export interface TowerListener {
  message(message: TowerMessage): void
  /** Something came that is no message of the protocol: `text` says what, capped and free of control characters. */
  malformed(text: string): void
  /** The connection ended, whoever ended it; called once. */
  closed(reason: string): void
}

export interface TowerConnection {
  /** Queues a message. Does nothing on a connection that has ended: whoever must know waits for an answer. */
  send(message: WatchMessage): void
  /** Bytes queued and not yet handed to the kernel: more than a few hundred KiB means that the game reads slowly. */
  readonly bufferedBytes: number
  /** Ends the connection; `closed` is called with 'closed by us' if it was open. Safe to call twice. */
  close(): void
}

export class TowerConnectError extends Error {
  override name = 'TowerConnectError'
  readonly kind: 'refused' | 'untrusted' | 'unreachable' | 'timeout' | 'aborted'
  constructor(kind: TowerConnectError['kind'], message: string) {
    super(message)
    this.kind = kind
  }
}
