/** Stands in for the writer's thread: remembers the values of each batch, and does as some of them say. */
import { parentPort } from 'node:worker_threads'
import type { FromWriter, ToWriter } from '../../../src/adapters/ledger/messages.ts'

const batches: string[][] = []
const say = (message: FromWriter) => parentPort?.postMessage(message)

parentPort?.on('message', (message: ToWriter) => {
  if (message.kind === 'close') parentPort?.close()
  if (message.kind !== 'write') return
  const batch = message.calls.map((rows) => String(rows[0]?.at(-1)))
  batches.push(batch)
  if (batch.includes('die')) throw new Error('the thread was told to die')
  if (batch.includes('leave')) process.exit()
  if (batch.includes('full')) say({ kind: 'failed', fault: 'database or disk is full' })
  else say({ kind: 'written', faults: batch.map((value) => (value === 'say' ? batches.join('|') : undefined)) })
})
