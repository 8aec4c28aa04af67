import { setTimeout as wait } from 'node:timers/promises'

/** Rejects with the reason where the signal fires. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  await wait(ms, undefined, { signal })
}
