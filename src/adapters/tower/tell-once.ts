/** Says one thing in the Tower and leaves: for the deadman, which has no session of its own. */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../../ports/clock.ts'
import { type TowerAccount, TowerConnectError, type TowerTransport } from '../../ports/tower-transport.ts'
import { PROTOCOL_VERSION, type TowerMessage, type WatchMessages } from '../../protocol/messages.ts'
import { oneLine } from './one-line.ts'

export interface TellOnceOptions {
  transport: TowerTransport
  account: TowerAccount
  clock: Clock
  introduction: Omit<WatchMessages['tower_hello'], 'v' | 'id'>
  alert: Omit<WatchMessages['tower_alert'], 'v'>
  /** Of all of it. */
  timeoutMs: number
}

/**
 * Resolves when the Tower has said it and keeps its id on disk. Rejects with TowerConnectError: `refused` as in the port,
 * `timeout` also where it did not answer to the end, `unreachable` also where it would not take the message.
 */
export function tellOnce(options: TellOnceOptions): Promise<void> {
  const { alert, clock, transport } = options
  const helloId = `deadman-${randomUUID()}`
  const abort = new AbortController()
  return new Promise((resolve, reject) => {
    let send: ((message: Parameters<Connection['send']>[0]) => void) | undefined
    let close = () => abort.abort()
    let isOver = false
    const end = (settle: () => void) => {
      if (isOver) return
      isOver = true
      deadline.cancel()
      close()
      settle()
    }
    const fail = (kind: TowerConnectError['kind'], text: string) => end(() => reject(new TowerConnectError(kind, text)))
    const deadline = clock.after(options.timeoutMs, () =>
      fail('timeout', `The Tower did not take it within ${options.timeoutMs / 1000} s.`),
    )

    const received = (message: TowerMessage) => {
      if (message.name === 'tower_welcome' && message.data.id === helloId)
        send?.({ name: 'tower_alert', data: { v: PROTOCOL_VERSION, ...alert } })
      else if (message.name === 'tower_ack' && message.data.id === alert.id) {
        if (message.data.ok) end(resolve)
        else fail('unreachable', `The Tower did not take it: ${oneLine(message.data.error ?? 'it did not say why', 200)}`)
      } else if (message.name === 'tower_error' && (message.data.id === helloId || message.data.id === alert.id))
        fail('unreachable', `The Tower did not take it: ${oneLine(message.data.text, 200)}`)
    }

    transport
      .connect(
        options.account,
        {
          message: received,
          malformed: () => {},
          closed: (reason) => fail('unreachable', `The connection to the Tower ended: ${oneLine(reason, 200)}`),
        },
        { timeoutMs: options.timeoutMs, signal: abort.signal },
      )
      .then(
        (connection) => {
          close = () => connection.close()
          if (isOver) return connection.close()
          send = (message) => connection.send(message)
          send({ name: 'tower_hello', data: { v: PROTOCOL_VERSION, id: helloId, ...options.introduction } })
        },
        (error: unknown) =>
          end(() => reject(error instanceof TowerConnectError ? error : new TowerConnectError('unreachable', oneLine(String(error), 200)))),
      )
  })
}

type Connection = Awaited<ReturnType<TowerTransport['connect']>>
