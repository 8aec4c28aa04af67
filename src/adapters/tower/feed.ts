import type { WatchMessage } from '../../protocol/messages.ts'

/** One source of frames on a connection. The session asks its feeds in turn and is the only one that sends. */
export interface Feed {
  /** The frame to send now, if any. Giving it out counts as sending it. */
  next(now: number): WatchMessage | undefined
  /** When to ask again though nothing happened; Infinity for never. */
  dueAt(now: number): number
}
