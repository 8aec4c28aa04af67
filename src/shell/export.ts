import type { Writable } from 'node:stream'
import { type Exported, type ExportKind, exported, exportKinds } from '../adapters/ledger/export.ts'
import { parseDuration } from '../domain/duration.ts'
import { LedgerError } from '../ports/ledger.ts'
import { type Cell, csvLine } from './csv.ts'
import { ledgerFile, readLedger } from './ledger-file.ts'
import { exitCode, readConfig, type Shell, ShellError } from './shell.ts'

export interface ExportOptions {
  config?: string
  format: 'jsonl' | 'csv'
  /** "30d". */
  since?: string
  what: ExportKind | 'all'
}

/**
 * `towerwatch export`: the ledger's facts to `to`, oldest first, no faster than they are read there. Exit 1 where it was
 * broken off.
 */
export async function exportLedger(shell: Shell, options: ExportOptions, to: Writable): Promise<number> {
  const { format, what } = options
  if (format === 'csv' && what === 'all') {
    throw new ShellError(`A table holds one kind of thing: name it with --what (${exportKinds.join(', ')}).`, exitCode.wrongInput)
  }
  const withinMs = options.since === undefined ? Number.POSITIVE_INFINITY : parseDuration(options.since)
  if (withinMs === undefined) throw new ShellError(`--since ${options.since} is no time: write 30d, 12h or 90m.`, exitCode.wrongInput)
  const path = ledgerFile(readConfig(shell, options.config))
  const nowMs = readLedger(path, (_, nowMs) => nowMs)
  if (nowMs === undefined) throw new ShellError(`There is no ledger yet (${path}): "towerwatch run" begins one.`, exitCode.failed)
  try {
    for (const text of textOf(path, format, what === 'all' ? exportKinds : [what], Math.max(0, nowMs - withinMs))) {
      if (shell.signal.aborted) return exitCode.failed
      if (!to.write(text)) await drained(to, shell.signal)
    }
  } catch (error) {
    if (error instanceof LedgerError) throw new ShellError(error.message, exitCode.failed)
    throw error
  }
  return exitCode.ok
}

function* textOf(path: string, format: 'jsonl' | 'csv', kinds: readonly ExportKind[], fromMs: number): Generator<string> {
  for (const kind of kinds) {
    if (format === 'csv') yield csvLine(columns[kind])
    for (const fact of exported(path, kind, fromMs)) yield format === 'csv' ? csvLine(cellsOf(fact)) : `${JSON.stringify(fact)}\n`
  }
}

const columns: Record<ExportKind, readonly string[]> = {
  transitions: ['subject_kind', 'subject', 'from', 'to', 'at', 'noticed_at', 'cause', 'last_beat_at'],
  incidents: [
    ...['number', 'subject_kind', 'subject', 'cause', 'detail', 'opened_at', 'noticed_at', 'closed_at', 'duration_s', 'told_at'],
    ...['acknowledged_by', 'acknowledged_at', 'comment'],
  ],
  alerts: ['id', 'kind', 'subjects', 'incidents', 'at', 'text', 'duration_s'],
  operations: ['number', 'operation', 'arguments', 'actor_kind', 'actor', 'via', 'requested_at', 'status', 'ended_at', 'lines'],
  audit: ['seq', 'entry', 'prev', 'hash'],
  mutes: ['number', 'kind', 'subject_kind', 'subject', 'from', 'to', 'reason', 'by'],
}

/** In the order of the columns of its kind. */
function cellsOf(fact: Exported): Cell[] {
  switch (fact.kind) {
    case 'transition': {
      const { from, to, atMs, noticedMs, cause, lastBeatMs } = fact.transition
      return [fact.subject.kind, fact.subject.id, from, to, time(atMs), time(noticedMs), cause, time(lastBeatMs)]
    }
    case 'incident': {
      const { number, subject, cause, detail, openedMs, noticedMs, closedMs, told, ack } = fact.incident
      const durationMs = closedMs === undefined ? undefined : closedMs - openedMs
      return [
        ...[number, subject.kind, subject.id, cause, detail, time(openedMs), time(noticedMs), time(closedMs)],
        ...[seconds(durationMs), time(told?.atMs), ack?.by.name, time(ack?.atMs), ack?.comment],
      ]
    }
    case 'alert': {
      const { id, kind, subjects, incidents, at, text, durationMs } = fact.alert
      return [id, kind, subjects.map(({ id }) => id).join(' '), incidents.join(' '), time(at), text, seconds(durationMs)]
    }
    case 'operation': {
      const { number, operation, arguments: args, actor, via, requestedMs, status, endedMs, lines } = fact.operation
      return [
        ...[number, operation, JSON.stringify(args), actor.kind, actor.name, via, time(requestedMs)],
        ...[status, time(endedMs), lines.join('\n')],
      ]
    }
    case 'audit':
      return [fact.link.seq, fact.link.entry, fact.link.prev, fact.link.hash]
    case 'mute': {
      const { number, kind, subject, fromMs, toMs, reason, by } = fact.mute
      return [number, kind, subject.kind, subject.id, time(fromMs), time(toMs), reason, by.name]
    }
    default:
      throw new Error(`${fact.kind} is no kind that is exported`)
  }
}

/** As spreadsheets and people read it; what no calendar knows stays the number that it is. */
function time(ms: number | undefined): Cell {
  if (ms === undefined || Math.abs(ms) > 8.64e15) return ms
  return new Date(ms).toISOString()
}

function seconds(ms: number | undefined): Cell {
  return ms === undefined ? undefined : ms / 1_000
}

function drained(to: Writable, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    to.once('drain', resolve)
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
