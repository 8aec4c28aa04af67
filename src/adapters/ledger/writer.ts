/**
 * The writing side of a ledger in a file: a thread of its own owns the connection that writes, so that a slow disk stops
 * nothing else. One batch is on its way at a time; what is given meanwhile gathers and goes with the next one (group commit):
 * the slower the disk, the bigger the batches.
 *
 * Should the thread die (out of memory, a fault in SQLite), everything that was on its way is rejected, and the next write
 * starts another one: a watch runs for months, and one whose ledger stays shut would refuse every restart until somebody came.
 */
import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { messageOf } from '../../domain/failure.ts'
import { LedgerError } from '../../ports/ledger.ts'
import { failure } from './guarded.ts'
import type { FromWriter, ToWriter } from './messages.ts'
import type { Row } from './rows.ts'

export interface Writer {
  /** Resolves when all rows are committed, rejects with LedgerError when none is. */
  write(rows: readonly Row[]): Promise<void>
  upkeep(beforeMs: number): Promise<number>
  /** Writes what was given, then ends the thread. */
  close(): Promise<void>
}

interface Settle<T> {
  resolve(value: T): void
  reject(error: LedgerError): void
}
type Call = Settle<void> & { rows: readonly Row[] }

// Type stripping runs the source as it is; tsc renames imports, but not this.
const source = new URL('./writer-thread.ts', import.meta.url)
const writerThread = import.meta.url.endsWith('.ts') ? source : new URL('./writer-thread.js', import.meta.url)

/** A thread does not know of its own that what was compiled is kept, and would load all that strips types: 40 MiB. */
function compiled(): { env: NodeJS.ProcessEnv } | undefined {
  const folder = getCompileCacheDir()
  return folder === undefined ? undefined : { env: { ...process.env, NODE_COMPILE_CACHE: dirname(folder) } }
}

/** `threadFile`: the program of the thread, if not the real one. */
export function startWriter(path: string, threadFile = writerThread): Writer {
  let thread: Worker | undefined
  let gathered: Call[] = []
  let isGathering = false
  /** On their way, oldest first: more than one only when it closes. */
  const batches: Call[][] = []
  const upkeeps: Settle<number>[] = []
  let closing: Promise<void> | undefined

  function running(): Worker {
    if (thread) return thread
    const started = new Worker(threadFile, { workerData: { path }, name: 'ledger', ...compiled() })
    let fault: unknown
    started.on('message', (message: FromWriter) => hear(message))
    started.on('error', (error) => {
      fault = error
    })
    started.on('exit', () => {
      if (thread === started) thread = undefined
      rejectAll(fault ?? new Error('its thread ended'))
    })
    thread = started
    return started
  }

  function hear(message: FromWriter): void {
    if (message.kind === 'written') settle(batches.shift() ?? [], message.faults)
    else if (message.kind === 'failed') for (const call of batches.shift() ?? []) call.reject(notWritten(call, message.fault))
    else if (message.kind === 'upkept') upkeeps.shift()?.resolve(message.rows)
    else upkeeps.shift()?.reject(failure('do its upkeep', message.fault))
    send()
    rest()
  }

  /** Only what is on its way keeps the process alive. */
  function rest(): void {
    if (batches.length === 0 && upkeeps.length === 0 && !closing) thread?.unref()
  }

  function post(message: ToWriter): void {
    const worker = running()
    worker.ref()
    worker.postMessage(message)
  }

  function send(): void {
    if (gathered.length === 0 || (batches.length > 0 && !closing)) return
    const calls = gathered
    gathered = []
    batches.push(calls)
    post({ kind: 'write', calls: calls.map(({ rows }) => rows) })
  }

  function rejectAll(fault: unknown): void {
    const calls = [...batches.splice(0).flat(), ...gathered]
    gathered = []
    for (const call of calls) call.reject(notWritten(call, fault))
    for (const upkeep of upkeeps.splice(0)) upkeep.reject(failure('do its upkeep', fault))
  }

  return {
    write: (rows) => {
      if (closing) return Promise.reject(new LedgerError('The ledger could not be written: it is closed'))
      return new Promise((resolve, reject) => {
        gathered.push({ rows, resolve, reject })
        if (isGathering) return
        isGathering = true
        setImmediate(() => {
          isGathering = false
          send()
        })
      })
    },
    upkeep: (beforeMs) => {
      if (closing) return Promise.reject(new LedgerError('The ledger could not do its upkeep: it is closed'))
      return new Promise((resolve, reject) => {
        upkeeps.push({ resolve, reject })
        post({ kind: 'upkeep', beforeMs })
      })
    },
    close: () => {
      closing ??= new Promise((resolve) => {
        // Once `closing` is set, what was given goes out without waiting for what is on its way.
        queueMicrotask(() => {
          send()
          if (!thread) return resolve()
          thread.once('exit', () => resolve())
          post({ kind: 'close' })
        })
      })
      return closing
    },
  }
}

function settle(calls: Call[], faults: readonly (string | undefined)[]): void {
  for (const [index, call] of calls.entries()) {
    const fault = faults[index]
    if (fault === undefined) call.resolve()
    else call.reject(notWritten(call, fault))
  }
}

function notWritten(call: Call, fault: unknown): LedgerError {
  const kinds = [...new Set(call.rows.map(([statement]) => statement))].join(', ')
  return new LedgerError(`The ledger could not write ${kinds}: ${messageOf(fault)}`, { cause: fault })
}
