/** Beats that agents bring by themselves. The host is not asked for them, so they count even while it can't be seen. */
import type { Beat } from '../domain/agent.ts'

/** A beat as it is brought: it happened when it came. */
export type PostedBeat = Omit<Beat, 'atMs'>

/** An agent that may bring beats: whoever does so in its name must know its token. */
export interface Poster {
  token: { reveal(): string }
}

/** Resolves once the beat is durable. Rejects with LedgerError where it is not: then it counts in memory only. */
export type TakeBeat = (agent: string, beat: PostedBeat) => Promise<void>

export interface BeatSource {
  /** Takes beats from now on, of these agents by id. Rejects with BeatSourceError where it can't. */
  start(posters: ReadonlyMap<string, Poster>, take: TakeBeat): Promise<RunningBeatSource>
}

export interface RunningBeatSource {
  /** Where it listens: `http://127.0.0.1:8787`. */
  readonly url: string
  /** Other agents, or other tokens, from now on. */
  redeclare(posters: ReadonlyMap<string, Poster>): void
  /** Takes no more, answers what it has already taken, and resolves. */
  stop(): Promise<void>
}

/** `message` says what failed and what to do about it. */
export class BeatSourceError extends Error {
  override name = 'BeatSourceError'
}
