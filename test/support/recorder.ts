import type { TowerMessage } from '../../src/protocol/messages.ts'

/** A listener on a Tower's connection that keeps what it is told. */
export function recorder() {
  const received: TowerMessage[] = []
  const malformed: string[] = []
  const closed: string[] = []
  return {
    received,
    malformed,
    closed,
    listener: {
      message: (message: TowerMessage) => void received.push(message),
      malformed: (fault: string) => void malformed.push(fault),
      closed: (reason: string) => void closed.push(reason),
    },
  }
}
