/**
 * Silences and maintenance: what people asked for, and the windows that fleet.yaml declares. Each is written down when it is
 * asked for, a declared one a day before it begins; whether it holds follows from its times.
 */
import type { Config } from '../config/config.ts'
import type { Mute, Subject } from '../domain/incident.ts'
import type { Clock } from '../ports/clock.ts'
import type { Ledger } from '../ports/ledger.ts'
import type { Journal } from './journal.ts'

export interface Mutes {
  /** What keeps alerts about this subject quiet at that moment: of several, the one that holds longest. */
  of(subject: Subject, nowMs: number): Mute | undefined
  inMaintenance(subject: Subject, nowMs: number): boolean
  /** Since when it has been muted without a break; undefined: it isn't. */
  mutedSinceMs(subject: Subject, nowMs: number): number | undefined
  /** In force at that moment, or still to come; by number. */
  list(nowMs: number): Mute[]
  /** Holds at once; resolves when it is durable. */
  add(mute: Omit<Mute, 'number'>): Promise<Mute>
  /** Ends one that is in force or to come, now. One that is neither is left as it is. */
  end(number: number, nowMs: number): Promise<void>
  /** Takes over another declaration: a window that it doesn't hold any more ends. */
  declare(): void
  /** One has begun, has ended, or is new. */
  on(listener: () => void): () => void
  /** When the next one begins or ends. */
  dueMs(): number
  stop(): void
}

/** A declared window, at one time. */
export interface Occurrence {
  /** The same for the same time of the same window, whenever it is asked for. */
  key: string
  /** Ids of agents or hosts, or `all`. */
  subjects: readonly string[]
  reason: string
  fromMs: number
  toMs: number
}

export interface MutesPorts {
  ledger: Pick<Ledger, 'mutes' | 'nextNumber'>
  journal: Journal
  clock: Clock
  /** Of the declared windows: those that hold at some moment from … to. */
  occurrences: (fromMs: number, toMs: number) => readonly Occurrence[]
}

const aheadMs = 24 * 3_600_000
/** Somebody may set the clock on the wall, by which windows are declared. */
const takeOverEveryMs = 600_000
/** The machine may sleep: then the time of day goes on, and timers don't. */
const longestSleepMs = 60_000
/** A window that is so much off by the clock on the wall is moved. */
const offMs = 2_000
/** Ended ones are kept for so long, to know what went without a break into what holds now. */
const keptMs = 24 * 3_600_000
const fleetYaml = { kind: 'watch', id: 'watch', name: 'fleet.yaml' } as const

/** `config` answers with the declaration as it is at that moment. Throws LedgerError where the ledger can't be read. */
export function startMutes(config: () => Config, ports: MutesPorts): Mutes {
  const { ledger, journal, clock } = ports
  const mutes = new Map<number, Mute>()
  const listeners = new Set<() => void>()
  let timer: { cancel(): void } | undefined
  let puts = 0
  let takenOverMs = Number.NEGATIVE_INFINITY

  /**
   * Writes down what is declared and not known yet; ends what is declared no more; forgets what is long over. Answers whether
   * there is anything new.
   */
  function takeOver(): boolean {
    const nowMs = clock.now()
    const before = puts
    const declared = new Map<string, { occurrence: Occurrence; subject: Mute['subject'] }>()
    for (const occurrence of ports.occurrences(nowMs, nowMs + aheadMs))
      for (const subject of occurrence.subjects.flatMap(toSubjects))
        declared.set(`${occurrence.key} ${subject.kind}:${subject.id}`, { occurrence, subject })
    const known = new Set<string>()
    takenOverMs = nowMs
    for (const mute of [...mutes.values()]) {
      if (mute.window !== undefined) known.add(mute.window)
      const moved = movedTo(mute, declared.get(mute.window ?? '')?.occurrence, nowMs)
      if (moved) void put(moved)
      else if (mute.window !== undefined && !declared.has(mute.window) && mute.toMs > nowMs) void put(ended(mute, nowMs))
      else if (mute.toMs < nowMs - keptMs && !declared.has(mute.window ?? '')) mutes.delete(mute.number)
    }
    for (const [window, { occurrence, subject }] of declared) {
      if (known.has(window)) continue
      const { fromMs, toMs, reason } = occurrence
      void put({ number: ledger.nextNumber('mute'), kind: 'maintenance', subject, fromMs, toMs, reason, by: fleetYaml, window })
    }
    return puts > before
  }

  /** An agent and a host may bear the same name: then both are meant. */
  function toSubjects(id: string): Mute['subject'][] {
    if (id === 'all') return [{ kind: 'fleet', id: '' }]
    const { agents, hosts } = config()
    const found: Mute['subject'][] = []
    if (hosts.has(id)) found.push({ kind: 'host', id })
    if (agents.has(id)) found.push({ kind: 'agent', id })
    return found
  }

  function put(mute: Mute): Promise<void> {
    puts++
    mutes.set(mute.number, mute)
    return journal.write([{ kind: 'mute', mute }])
  }

  function covers(mute: Mute, subject: Subject): boolean {
    const { kind, id } = mute.subject
    if (kind === 'fleet') return true
    if (kind === subject.kind) return id === subject.id
    return kind === 'host' && config().agents.get(subject.id)?.host === id
  }

  const covering = (subject: Subject) => [...mutes.values()].filter((mute) => covers(mute, subject) && mute.toMs > mute.fromMs)
  const holding = (subject: Subject, nowMs: number) => covering(subject).filter(({ fromMs, toMs }) => fromMs <= nowMs && nowMs < toMs)

  function mutedSinceMs(subject: Subject, nowMs: number): number | undefined {
    let sinceMs = earliest(holding(subject, nowMs))
    if (sinceMs === undefined) return undefined
    const all = covering(subject)
    // One that ended as another began, or later, makes it longer.
    for (;;) {
      const edgeMs: number = sinceMs
      const before = earliest(all.filter(({ fromMs, toMs }) => fromMs < edgeMs && edgeMs <= toMs))
      if (before === undefined) return edgeMs
      sinceMs = before
    }
  }

  function dueMs(): number {
    const nowMs = clock.now()
    return Math.min(
      Number.POSITIVE_INFINITY,
      ...[...mutes.values()].flatMap(({ fromMs, toMs }) => [fromMs, toMs]).filter((ms) => ms > nowMs),
    )
  }

  function changed(): void {
    wait()
    for (const listener of listeners) listener()
  }

  function wait(): void {
    timer?.cancel()
    const edgeMs = dueMs()
    timer = clock.after(Math.min(edgeMs - clock.now(), longestSleepMs), () => {
      const nowMs = clock.now()
      const isEdge = nowMs >= edgeMs
      const isOther = (isEdge || nowMs >= takenOverMs + takeOverEveryMs) && takeOver()
      if (isEdge || isOther) changed()
      else wait()
    })
  }

  const nowMs = clock.now()
  const firstMs = Math.min(nowMs - keptMs, ...ports.occurrences(nowMs, nowMs + aheadMs).map(({ fromMs }) => fromMs))
  for (const mute of ledger.mutes(firstMs)) mutes.set(mute.number, mute)
  takeOver()
  changed()

  return {
    of: (subject, nowMs) => holding(subject, nowMs).sort((a, b) => b.toMs - a.toMs)[0],
    inMaintenance: (subject, nowMs) => holding(subject, nowMs).some(({ kind }) => kind === 'maintenance'),
    mutedSinceMs,
    list: (nowMs) => [...mutes.values()].filter(({ fromMs, toMs }) => toMs > nowMs && toMs > fromMs).sort((a, b) => a.number - b.number),
    add: async (asked) => {
      const mute = { ...asked, number: ledger.nextNumber('mute') }
      const written = put(mute)
      changed()
      await written
      return mute
    },
    end: async (number, nowMs) => {
      const mute = mutes.get(number)
      if (!mute || mute.toMs <= nowMs) return
      const written = put(ended(mute, nowMs))
      changed()
      await written
    },
    declare: () => {
      takeOver()
      changed()
    },
    on: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    dueMs,
    stop: () => timer?.cancel(),
  }
}

/** One that has begun stays as it is, and so does one that a person ended before it began. */
function movedTo(mute: Mute, occurrence: Occurrence | undefined, nowMs: number): Mute | undefined {
  if (!occurrence || mute.fromMs < nowMs || mute.toMs === mute.fromMs) return undefined
  if (Math.abs(mute.fromMs - occurrence.fromMs) < offMs) return undefined
  return { ...mute, fromMs: Math.max(nowMs, occurrence.fromMs), toMs: occurrence.toMs }
}

/** One that was still to come never was. */
function ended(mute: Mute, nowMs: number): Mute {
  return { ...mute, toMs: Math.max(mute.fromMs, Math.min(mute.toMs, nowMs)) }
}

function earliest(mutes: readonly Mute[]): number | undefined {
  return mutes.length === 0 ? undefined : Math.min(...mutes.map(({ fromMs }) => fromMs))
}
