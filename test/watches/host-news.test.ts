import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { HostNews } from '../../src/ports/host.ts'
import { openNewsDesk } from '../../src/watches/host-news.ts'
import { virtualClock } from '../fakes/virtual-clock.ts'

/** A host that is looked at once a second, or sooner where it has news; answers when the looks were. */
async function looksAt(told: readonly { afterMs: number; news: HostNews }[]): Promise<number[]> {
  const clock = virtualClock()
  const desk = openNewsDesk(clock)
  const startMs = clock.now()
  const looks: number[] = []
  const over = new AbortController()
  const watching = (async () => {
    while (!over.signal.aborted) {
      desk.lookBegins()
      looks.push(clock.now() - startMs)
      await desk.pauseUntilNews(1_000, over.signal)
    }
  })()
  for (const { afterMs, news } of told) {
    await clock.advance(afterMs)
    desk.hear(news)
    await clock.advance(0)
  }
  over.abort()
  await watching
  return looks
}

describe('looks at a host that tells news', () => {
  it('are never less often than in turn, and out of turn no more often than either kind is allowed', async () => {
    const told = fc.array(fc.record({ afterMs: fc.integer({ min: 1, max: 25 }), news: fc.constantFrom<HostNews>('gone', 'written') }), {
      maxLength: 300,
    })
    await fc.assert(
      fc.asyncProperty(told, async (events) => {
        const looks = await looksAt(events)
        const gaps = looks.slice(1).map((at, index) => at - (looks[index] ?? 0))
        expect(Math.max(0, ...gaps)).toBeLessThanOrEqual(1_000)
        const seconds = (looks.at(-1) ?? 0) / 1_000
        expect(looks.length).toBeLessThanOrEqual(1 + 20 + 10 + (1 + 5 + 3) * seconds)
      }),
      { numRuns: Number(process.env['TOWERWATCH_RUNS'] ?? 200) },
    )
  })

  it('come for a beat as soon as they are allowed again, not only in turn', async () => {
    const looks = await looksAt([
      ...Array.from({ length: 11 }, () => ({ afterMs: 1, news: 'written' as const })),
      { afterMs: 400, news: 'gone' },
    ])
    expect(looks.some((atMs) => atMs > 11 && atMs < 411)).toBe(true)
  })

  it('come at once for a death, though all looks for beats are spent', async () => {
    const flood = Array.from({ length: 400 }, () => ({ afterMs: 10, news: 'written' as const }))
    const looks = await looksAt([...flood, { afterMs: 5, news: 'gone' }])
    expect(looks).toContain(4_005)
    expect(looks.length).toBeLessThanOrEqual(1 + 10 + (1 + 3) * 4 + 1)
  })
})
