/**
 * `var/demo/processes.json`: what this demo started, kept up to date, so that the next one can clean up after it if it is
 * killed and can't do so itself.
 */
import { z } from 'zod'
import { messageOf } from '../domain/failure.ts'
import { readIfThere, replaceFile } from './files.ts'
import type { ProcessIdentity } from './processes.ts'

const identity = z.strictObject({ pid: z.int().min(2), started: z.string() })

const records = z.strictObject({
  /** The demo itself. */
  demo: identity,
  /** By a name that says what it is: `watch`, `tmux`, `sshd ezra`, `worker gemini`. */
  processes: z.record(z.string(), identity),
  /** The tmux server's socket; its folder was made for it alone where that lies outside `var`. */
  socket: z.string().startsWith('/'),
})

export type Records = z.infer<typeof records>

/** `unreadable`: there is a file and it can't be understood. */
export type ReadRecords = { kind: 'none' } | { kind: 'records'; records: Records } | { kind: 'unreadable'; reason: string }

export function readRecords(file: string): ReadRecords {
  const text = readIfThere(file)
  if (text === undefined) return { kind: 'none' }
  try {
    return { kind: 'records', records: records.parse(JSON.parse(text)) }
  } catch (error) {
    return { kind: 'unreadable', reason: messageOf(error) }
  }
}

/** The file, as this demo writes it: once at the start, and after every change. */
export class RecordKeeper {
  readonly #file: string
  readonly #records: Records

  constructor(file: string, demo: ProcessIdentity, socket: string) {
    this.#file = file
    this.#records = { demo, processes: {}, socket }
  }

  write(): void {
    replaceFile(this.#file, `${JSON.stringify(this.#records, null, 2)}\n`, 0o600)
  }

  set(name: string, process: ProcessIdentity): void {
    this.#records.processes[name] = process
    this.write()
  }

  get(name: string): ProcessIdentity | undefined {
    return this.#records.processes[name]
  }

  remove(name: string): void {
    delete this.#records.processes[name]
    this.write()
  }
}
