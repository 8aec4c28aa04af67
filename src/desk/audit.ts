/** What the desk writes down. An operation that begins must be written; that it ended, or was refused, is tried. */
import { messageOf } from '../domain/failure.ts'
import type { Actor } from '../domain/operation.ts'
import type { Clock } from '../ports/clock.ts'
import { type Ledger, LedgerError, type OperationRecord } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import type { DeskRequest } from './job.ts'

export interface Audit {
  /** What is known of an operation before anything became of it. Throws LedgerError. */
  record(asked: DeskRequest, more?: { partOf?: number }): OperationRecord
  /** Rejects with LedgerError: then nothing may be done. */
  write(record: OperationRecord): Promise<void>
  /** Writes what became of it. Never rejects: it has happened. */
  end(record: OperationRecord, outcome: { status: string; lines: string[] }): Promise<void>
  /** Writes that nothing came of it, or how it went for who only followed. Never rejects. */
  note(asked: DeskRequest, outcome: { status: string; lines: string[] }): Promise<void>
  /** Writes that somebody was refused more often than there are records. Never rejects. */
  noteFlood(actor: Actor, via: DeskRequest['via'], more: number): void
}

/** What is refused may be anything. */
const longestValue = 200
const mostArguments = 20

export function openAudit({ ledger, clock }: { ledger: Pick<Ledger, 'write' | 'nextNumber'>; clock: Clock }, log: Log): Audit {
  const audit: Audit = {
    record: ({ operation, arguments: args, actor, via, why }, more = {}) => ({
      number: ledger.nextNumber('operation'),
      operation,
      arguments: args,
      actor,
      via,
      requestedMs: clock.now(),
      status: 'begun',
      lines: [],
      ...(why !== undefined && { why }),
      ...more,
    }),
    write: (record) => ledger.write([{ kind: 'operation', operation: record }]),
    end: async (record, { status, lines }) => {
      try {
        await audit.write({ ...record, status, lines, endedMs: clock.now() })
      } catch (error) {
        if (!(error instanceof LedgerError)) throw error
        log.error({ err: error.message, number: record.number }, 'the end of an operation could not be written to the audit')
      }
    },
    note: async (asked, { status, lines }) => {
      try {
        const record = audit.record({ ...asked, arguments: capped(asked.arguments) })
        await audit.write({ ...record, status, lines, endedMs: record.requestedMs })
      } catch (error) {
        log.error(
          { err: messageOf(error), operation: asked.operation, actor: asked.actor, status },
          'a refusal could not be written to the audit',
        )
      }
    },
    noteFlood: (actor, via, more) => {
      const lines = [`refused ${more} more ${more === 1 ? 'time' : 'times'}, for asking too often`]
      void audit.note({ operation: 'several', arguments: {}, actor, via }, { status: 'refused', lines })
    },
  }
  return audit
}

function capped(args: Readonly<Record<string, unknown>>): Record<string, string> {
  const entries = Object.entries(args).slice(0, mostArguments)
  return Object.fromEntries(entries.map(([name, value]) => [name.slice(0, 32), textOf(value).slice(0, longestValue)]))
}

/** Not by its own `toString`, which may be anything that JSON can say, and then a refusal would go unwritten. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? typeof value)
}
