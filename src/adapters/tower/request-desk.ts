/**
 * Takes requests and sends their results. The Tower repeats a request that it saw no answer to, so each id is handed on
 * once and answered from here ever after; a final result is sent again until it is acknowledged.
 */

import type { Log } from '../../ports/log.ts'
import type { Result, TowerRequest } from '../../ports/tower.ts'
import type { WatchMessage } from '../../protocol/messages.ts'
import type { Feed } from './feed.ts'

const REMEMBERED = 1_000
const RESEND_MS = 5_000
/** Nobody waits longer for an answer; the audit has it. */
const GIVE_UP_MS = 600_000
const MAX_LINES = 400
const MAX_LINE = 400
/** Progress that cannot be sent: the oldest goes, the person sees the newest. */
const MAX_PROGRESS = 100

interface Entry {
  request: TowerRequest
  last: Result | undefined
  progress: Result[]
  final: { kind: 'none' } | { kind: 'unacknowledged'; result: Result; dueAt: number; giveUpAt: number } | { kind: 'over' }
}

export interface RequestDesk extends Feed {
  /** A fresh connection or server: final results that were not acknowledged go again at once. */
  start(now: number): void
  request(request: TowerRequest, now: number): void
  /** True if the id was a request's. */
  acknowledged(id: string, ok: boolean): boolean
}

export interface DeskOptions {
  hand(request: TowerRequest, answer: (result: Result) => void): void
  now(): number
  /** Something is to be sent. */
  wake(): void
  log: Log
}

export function requestDesk({ hand, now, wake, log }: DeskOptions): RequestDesk {
  const entries = new Map<string, Entry>()

  const answer = (entry: Entry, result: Result) => {
    if (entry.final.kind !== 'none') return
    // Id, operation and actor are those of the request, whatever the answer says: it must find its person.
    const { id, operation, actor } = entry.request
    const clean: Result = { id, operation, actor, status: result.status, lines: cutToFit(result.lines) }
    entry.last = clean
    if (isFinal(clean)) {
      entry.final = { kind: 'unacknowledged', result: clean, dueAt: now(), giveUpAt: now() + GIVE_UP_MS }
    } else {
      entry.progress.push(clean)
      if (entry.progress.length > MAX_PROGRESS) entry.progress.shift()
    }
    wake()
  }

  /** Forgets the oldest that is answered. False where all are still running. */
  const makeRoom = (): boolean => {
    if (entries.size < REMEMBERED) return true
    for (const [id, entry] of entries) {
      if (entry.final.kind === 'none') continue
      entries.delete(id)
      return true
    }
    return false
  }

  const repeat = (entry: Entry) => {
    if (entry.final.kind === 'unacknowledged') entry.final.dueAt = now()
    else if (entry.last !== undefined) {
      if (isFinal(entry.last)) entry.final = { kind: 'unacknowledged', result: entry.last, dueAt: now(), giveUpAt: now() + GIVE_UP_MS }
      else if (entry.progress.length === 0) entry.progress.push(entry.last)
    }
  }

  return {
    start: (at) => {
      for (const entry of entries.values()) if (entry.final.kind === 'unacknowledged') entry.final.dueAt = at
    },
    request: (request) => {
      const known = entries.get(request.id)
      if (known !== undefined) return repeat(known)
      if (!makeRoom()) {
        log.warn({ request: request.id, running: entries.size }, 'A request came while too many are running; it is left unanswered')
        return
      }
      const entry: Entry = { request, last: undefined, progress: [], final: { kind: 'none' } }
      entries.set(request.id, entry)
      try {
        hand(request, (result) => answer(entry, result))
      } catch (error) {
        log.error({ request: request.id, operation: request.operation, error: String(error) }, 'A request failed inside the watch')
        answer(entry, { ...request, status: 'failed', lines: ['The watch failed at this request; its log says why.'] })
      }
    },
    acknowledged: (id, ok) => {
      const entry = entries.get(id)
      if (entry?.final.kind !== 'unacknowledged') return false
      // Not ok: the Tower saw it and cannot use it. Sending the same again would change nothing.
      if (!ok) log.error({ request: id }, 'The Tower could not take a result')
      entry.final = { kind: 'over' }
      return true
    },
    next: (at) => {
      for (const entry of entries.values()) {
        const progress = nextProgress(entry)
        if (progress !== undefined) return message(progress)
        if (entry.final.kind !== 'unacknowledged' || entry.final.dueAt > at) continue
        if (entry.final.giveUpAt <= at) {
          log.warn({ request: entry.request.id }, 'A result was never acknowledged; giving up')
          entry.final = { kind: 'over' }
          continue
        }
        entry.final.dueAt = at + RESEND_MS
        return message(entry.final.result)
      }
      return undefined
    },
    dueAt: () => {
      let due = Number.POSITIVE_INFINITY
      for (const entry of entries.values()) {
        if (entry.progress.length > 0) return Number.NEGATIVE_INFINITY
        if (entry.final.kind === 'unacknowledged') due = Math.min(due, entry.final.dueAt)
      }
      return due
    },
  }
}

/** What has been said since the last frame goes in one: who watches an agent gets ten lines a second, the game takes few frames. */
function nextProgress({ progress }: Entry): Result | undefined {
  const first = progress.shift()
  if (first?.status !== 'running') return first
  const lines = [...first.lines]
  while (progress[0]?.status === 'running' && lines.length + progress[0].lines.length <= MAX_LINES)
    lines.push(...(progress.shift()?.lines ?? []))
  return { ...first, lines }
}

const isFinal = (result: Result): boolean => result.status !== 'accepted' && result.status !== 'running'
const message = (result: Result): WatchMessage => ({ name: 'tower_result', data: { v: 1, ...result } })

/** Long answers are cut where the wire would refuse them, and say so. */
function cutToFit(lines: string[]): string[] {
  const cut = lines.map((line) => (line.length > MAX_LINE ? `${line.slice(0, MAX_LINE - 1)}…` : line))
  return cut.length > MAX_LINES ? [...cut.slice(0, MAX_LINES - 1), `… and ${cut.length - MAX_LINES + 1} more lines.`] : cut
}
