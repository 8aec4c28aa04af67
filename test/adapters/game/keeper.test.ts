import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { startKeeper } from '../../../src/adapters/game/keeper.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

/** Lets the keeper look as often as it does in that time; each look reads the real list of processes. */
async function passes(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 500) {
    vi.advanceTimersByTime(500)
    await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1), { interval: 1, timeout: 5_000 })
  }
}

test('starts the half that was killed, and leaves alone the one that somebody stopped in order', async () => {
  const started: string[] = []
  const said: string[] = []
  const end = startKeeper({
    game: '/no/such/game',
    isOurs: () => true,
    wasKilled: (part) => part === 'server',
    startPart: (part) => started.push(part),
    say: (text) => said.push(text),
  })
  await passes(6_000)
  expect(started).toEqual([])
  await passes(6_000)
  expect(started).toEqual(['server'])
  expect(said).toEqual(['its server has ended, starting it again'])
  await end()
  expect(vi.getTimerCount()).toBe(0)
})
