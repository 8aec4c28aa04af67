/** The file in which the watch says that it lives, the deadman's memory beside it, and the machine they are both on. */
import type { DeadmanMemory, Moment, Outage } from '../domain/deadman.ts'
import type { OwnBeat } from '../domain/own-beat.ts'

/** The side of the watch. */
export interface OwnBeatFile {
  /** Replaces the file; a reader has the old beat or the new one. Rejects with Error, which says why not. */
  write(beat: OwnBeat): Promise<void>
  /** The outage that the deadman has noted, if any. Rejects where there is something that can't be read. */
  outage(): Promise<Outage | undefined>
}

/** The side of the deadman. `mtimeMs`: by the machine's wall clock. */
export interface OwnBeatReader {
  /** Rejects where the file is there and can't be read. */
  read(): Promise<{ kind: 'none' } | { kind: 'damaged'; mtimeMs: number } | { kind: 'beat'; beat: OwnBeat; mtimeMs: number }>
}

export interface DeadmanStore {
  /** What was noted last; empty at first, and where it is damaged (then nothing is known of earlier restarts: see `isDamaged`). */
  read(): Promise<{ memory: DeadmanMemory; isDamaged: boolean }>
  /** Rejects where it can't be kept. */
  write(memory: DeadmanMemory): Promise<void>
  /** Undefined where another deadman has it. The lock goes with its process, however that ends. */
  lock(): { release(): void } | undefined
}

export interface Machine {
  now(): Moment
  /** `bootId:startTime` of a living process. unknown: this system does not tell. */
  epochOf(pid: number): Promise<{ kind: 'alive'; epoch: string } | { kind: 'gone' } | { kind: 'unknown' }>
}
