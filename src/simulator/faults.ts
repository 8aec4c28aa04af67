/** What can go wrong in a simulated fleet, and a plan of when it does. */
import { nearest } from '../domain/nearest.ts'
import type { Random } from './random.ts'

/**
 * Of an agent. crash: it dies and comes back as another life. hang: its beats stop, it lives on. stuck: it beats and is busy,
 * without progress. flap: it dies and comes back, again and again.
 * Of a host. partition: nobody gets through to it. host-down: its processes end, then it does. slow-host: it answers late.
 * Of the watch. sleep: its machine sleeps. stall: its event loop stands still. clock-step: somebody sets the wall clock.
 * daemon-kill: kill -9, started again. ledger: it can't be written. tower-down: the Tower is away.
 */
export const faultKinds = [
  'crash',
  'hang',
  'stuck',
  'flap',
  'partition',
  'host-down',
  'slow-host',
  'sleep',
  'stall',
  'clock-step',
  'daemon-kill',
  'ledger',
  'tower-down',
] as const
export type FaultKind = (typeof faultKinds)[number]

export interface Fault {
  kind: FaultKind
  atMs: number
  /** How long it lasts, as far as that is known beforehand. */
  lastsMs: number
  /** Which agent or host, by index; 0 for faults of the watch. */
  target: number
}

export interface FaultChoice {
  kinds: readonly FaultKind[]
  /** Absent: as many as fit the fleet and the time, and at least one of each kind. */
  count?: number
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs

/** `share`: how often, against the others. `on`: whose fault it is. [shortest, longest], drawn so that short ones are frequent. */
const habits: Record<FaultKind, { share: number; on: 'agent' | 'host' | 'watch'; lastsMs: readonly [number, number] }> = {
  crash: { share: 22, on: 'agent', lastsMs: [3_000, 4 * hourMs] },
  hang: { share: 16, on: 'agent', lastsMs: [30_000, 3 * hourMs] },
  stuck: { share: 9, on: 'agent', lastsMs: [3 * minuteMs, 3 * hourMs] },
  flap: { share: 3, on: 'agent', lastsMs: [5 * minuteMs, 25 * minuteMs] },
  partition: { share: 13, on: 'host', lastsMs: [1_000, 3 * hourMs] },
  'host-down': { share: 5, on: 'host', lastsMs: [45_000, 30 * minuteMs] },
  'slow-host': { share: 5, on: 'host', lastsMs: [5 * minuteMs, hourMs] },
  sleep: { share: 4, on: 'watch', lastsMs: [minuteMs, 8 * hourMs] },
  stall: { share: 6, on: 'watch', lastsMs: [5_000, 3 * minuteMs] },
  'clock-step': { share: 3, on: 'watch', lastsMs: [0, 0] },
  'daemon-kill': { share: 9, on: 'watch', lastsMs: [1_000, 20 * minuteMs] },
  ledger: { share: 2.5, on: 'watch', lastsMs: [10_000, hourMs] },
  'tower-down': { share: 2.5, on: 'watch', lastsMs: [minuteMs, hourMs] },
}

export function isFaultOf(kind: FaultKind, on: 'agent' | 'host' | 'watch'): boolean {
  return habits[kind].on === on
}

/** "800", "crash,hang" or "crash,hang,400". Throws Error with a sentence about what is wrong. */
export function parseFaults(text: string): FaultChoice {
  const kinds: FaultKind[] = []
  let count: number | undefined
  for (const raw of text.split(',')) {
    const word = raw.trim()
    const known = faultKinds.find((kind) => kind === word)
    if (known) kinds.push(known)
    else if (/^\d{1,7}$/.test(word)) count = Number(word)
    else {
      const meant = nearest(word, faultKinds)
      const hint = meant === undefined ? `known are ${faultKinds.join(', ')}, and a number says how many` : `did you mean "${meant}"?`
      throw new Error(`there is no fault "${word.slice(0, 40)}": ${hint}`)
    }
  }
  return { kinds: kinds.length > 0 ? kinds : faultKinds, ...(count !== undefined && { count }) }
}

/** 650 faults for thirty days of two hundred agents. */
const faultsPerAgentDay = 650 / 6_000

/**
 * A plan, in the order of time. The first `calmMs` and the last ones are left calm, so that every fault meets a fleet that
 * was seen, and everything that is to be told can be told before the end. One fault in four strikes within two minutes of
 * another one: what goes wrong together is where monitors fail.
 */
export function planFaults(
  choice: FaultChoice,
  size: { agents: number; hosts: number; fromMs: number; toMs: number },
  random: Random,
): Fault[] {
  const days = (size.toMs - size.fromMs) / (24 * hourMs)
  const count = choice.count ?? Math.max(choice.kinds.length, Math.ceil(days * size.agents * faultsPerAgentDay))
  const calmMs = Math.min(3 * hourMs, (size.toMs - size.fromMs) / 5)
  const [firstMs, lastMs] = [size.fromMs + calmMs, size.toMs - calmMs]
  const plan: Fault[] = []
  for (let index = 0; index < count; index++) {
    // Each kind once, then by their shares.
    const kind = index < choice.kinds.length ? (choice.kinds[index] ?? 'crash') : byShare(choice.kinds, random)
    const near = plan.length > 0 && random.chance(0.25) ? random.pick(plan).atMs + random.whole(-2 * minuteMs, 2 * minuteMs) : undefined
    const atMs = Math.min(lastMs, Math.max(firstMs, near ?? random.whole(firstMs, lastMs)))
    const { on, lastsMs } = habits[kind]
    const [shortest, longest] = lastsMs
    const drawn = shortest === 0 ? 0 : Math.round(shortest * (longest / shortest) ** random.next())
    const target = on === 'agent' ? random.whole(0, size.agents - 1) : on === 'host' ? random.whole(0, size.hosts - 1) : 0
    plan.push({ kind, atMs, lastsMs: Math.min(drawn, size.toMs - calmMs / 2 - atMs), target })
  }
  return plan.sort((a, b) => a.atMs - b.atMs)
}

function byShare(kinds: readonly FaultKind[], random: Random): FaultKind {
  const total = kinds.reduce((sum, kind) => sum + habits[kind].share, 0)
  let left = random.next() * total
  for (const kind of kinds) {
    left -= habits[kind].share
    if (left < 0) return kind
  }
  return kinds[0] ?? 'crash'
}
