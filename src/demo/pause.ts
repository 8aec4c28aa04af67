import { setTimeout as wait } from 'node:timers/promises'

/** Resolves after so long, or when the signal fires, whichever comes first. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(ms, undefined, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
