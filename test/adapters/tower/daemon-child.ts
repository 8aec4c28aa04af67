/**
 * The tower session in a process of its own with little memory, towards a game that does not mean well.
 * argv: a Tower's URL. Each line on stdin is answered by a line of JSON: how the process is.
 */
import { createInterface } from 'node:readline'
import { getHeapStatistics } from 'node:v8'
import { startTowerSession } from '../../../src/adapters/tower/session.ts'
import { telnetTransport } from '../../../src/adapters/tower/telnet.ts'
import { websocketTransport } from '../../../src/adapters/tower/websocket.ts'
import { realClock } from '../../support/real-clock.ts'
import { idleHandlers } from './idle-handlers.ts'

export interface Health {
  heapMiB: number
  /** Lines that the session logged. */
  lines: number
  reasons: string[]
}

const url = new URL(process.argv[2] ?? '')
const lines: { message: string; fields: object }[] = []
const record = (fields: object, message: string) => void lines.push({ message, fields })

startTowerSession({
  transport:
    url.protocol === 'ws:' ? websocketTransport({ url: url.href }) : telnetTransport({ host: url.hostname, port: Number(url.port) }),
  account: { name: 'towerwatch', password: 'four-right-words' },
  handlers: idleHandlers,
  clock: realClock,
  // The shortest waits that there are.
  random: () => 0,
  fleet: 'test',
  version: '0.1.0',
  hashes: { protocol: 'a'.repeat(64), operations: 'b'.repeat(64) },
  log: { debug: record, info: record, warn: record, error: record },
})

createInterface({ input: process.stdin }).on('line', () => {
  const reasons = new Set(lines.flatMap(({ fields }) => ('reason' in fields ? [String(fields.reason)] : [])))
  const health: Health = { heapMiB: getHeapStatistics().used_heap_size / 2 ** 20, lines: lines.length, reasons: [...reasons] }
  console.log(JSON.stringify(health))
})
