/** The thread that writes a ledger's file. It ends when it is told to, or by a fault, which its starter hears of. */
import { parentPort, workerData } from 'node:worker_threads'
import { messageOf } from '../../domain/failure.ts'
import { committer } from './commit.ts'
import { openToWrite } from './file.ts'
import type { FromWriter, ToWriter } from './messages.ts'
import { upkeep } from './upkeep.ts'

const port = parentPort
if (!port) throw new Error('this runs in a thread of its own')
const db = openToWrite(workerData.path)
const commit = committer(db)
/** One after the other. */
const upkeeps: Generator<void, number>[] = []

const say = (message: FromWriter) => port.postMessage(message)

port.on('message', (message: ToWriter) => {
  switch (message.kind) {
    case 'write':
      return write(message.calls)
    case 'upkeep':
      upkeeps.push(upkeep(db, message.beforeMs))
      if (upkeeps.length === 1) setImmediate(goOn)
      return
    case 'close':
      for (const _ of upkeeps.splice(0)) say({ kind: 'not-upkept', fault: 'the ledger was closed meanwhile' })
      db.close()
      port.close()
  }
})

function write(calls: Extract<ToWriter, { kind: 'write' }>['calls']): void {
  try {
    say({ kind: 'written', faults: commit(calls) })
  } catch (error) {
    say({ kind: 'failed', fault: messageOf(error) })
  }
}

/** One piece, then whatever was written meanwhile, then the next. */
function goOn(): void {
  const [running] = upkeeps
  if (!running) return
  try {
    const step = running.next()
    if (step.done) {
      upkeeps.shift()
      say({ kind: 'upkept', rows: step.value })
    }
  } catch (error) {
    upkeeps.shift()
    say({ kind: 'not-upkept', fault: messageOf(error) })
  }
  if (upkeeps.length > 0) setImmediate(goOn)
}
