import { setTimeout as wait } from 'node:timers/promises'

/**
 * Resolves with the first answer of `condition` that is neither false nor undefined. Rejects where there is none within
 * `withinMs`, naming `what` was waited for and the last error, if it threw.
 */
export async function until<T>(
  condition: () => T | false | undefined | Promise<T | false | undefined>,
  { withinMs, what }: { withinMs: number; what: string | (() => string) },
): Promise<T> {
  const deadline = performance.now() + withinMs
  // Most of what is waited for is there within milliseconds, and thousands of waits make minutes; what takes longer is asked for seldom.
  for (let pauseMs = 1; ; pauseMs = Math.min(50, pauseMs * 2)) {
    let trouble: unknown
    try {
      const answer = await condition()
      if (answer !== false && answer !== undefined) return answer
    } catch (error) {
      trouble = error
    }
    if (performance.now() > deadline)
      throw new Error(`Not within ${withinMs} ms: ${typeof what === 'string' ? what : what()}`, { cause: trouble })
    await wait(pauseMs)
  }
}
