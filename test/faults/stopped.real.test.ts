import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../support/until.ts'
import { judge, lifeOf, type Slowness, seen, settled, startSlowness } from './judge.ts'
import { openStage, type Stage } from './stage.ts'
import { tellOnFailure } from './story.ts'
import { wallMs } from './wall.ts'

let stage: Stage
let slowness: Slowness

beforeEach(async () => {
  slowness = startSlowness()
  stage = await openStage({
    title: 'a watch that stands still',
    agents: { counted: 'json', doomed: 'json', brief: 'json', uncounted: 'mtime', poster: 'push' },
  })
})
afterEach(async () => {
  slowness.stop()
  await stage.close()
})

describe('a watch that is stopped for 15 s and goes on', () => {
  it('calls nobody dead for it, calls unknown what it did not see, and finds who died meanwhile', async (context) => {
    tellOnFailure(context, stage.story)
    await Promise.all(stage.agents.map((agent) => agent.start()))
    const daemon = stage.startDaemon()
    await seen(stage)
    const startMs = wallMs()
    // Somewhere between two sweeps.
    await until(() => stage.ledger((ledger) => ledger.looking()), { withinMs: 30_000, what: 'a sweep' })
    await wait(2_500)

    const stoppedMs = wallMs()
    daemon.signal('SIGSTOP')
    stage.story.note('the watch is stopped')
    await wait(2_000)
    await stage.agent('doomed').kill()
    await stage.agent('brief').kill()
    await wait(5_000)
    await stage.agent('brief').start()
    await wait(Math.max(0, stoppedMs + 15_000 - wallMs()))
    daemon.signal('SIGCONT')
    const goesOnMs = wallMs()
    stage.story.note('the watch goes on')

    await daemon.says('the watch itself was stopped')
    await until(() => stage.tower.said.length > 0, { withinMs: 30_000, what: 'the death to be told' })
    await stage.agent('doomed').start()
    await settled(stage)
    // Long enough for anything else to be told.
    await wait(3_000)
    const endMs = wallMs()
    const life = lifeOf(daemon, endMs, endMs)
    daemon.signal('SIGTERM')
    expect(await daemon.ended).toBe(0)

    expect(stage.tower.said).toEqual([expect.stringMatching(/^doomed is down/), expect.stringMatching(/^doomed is back up/)])
    const lives = [
      { ...life, killedMs: stoppedMs, markMs: stoppedMs },
      { looksMs: goesOnMs, hearsMs: goesOnMs, killedMs: endMs, markMs: endMs },
    ]
    const { faults, uptime } = judge(stage, lives, { fromMs: startMs, toMs: endMs }, slowness)
    expect(faults).toEqual([])
    const slackMs = 1_000 + slowness.during({ fromMs: goesOnMs, toMs: goesOnMs + 1_000 })
    // Epoch and sequence prove it of one; of the others nobody can know.
    expect(uptime['counted']?.unknownMs).toBeLessThan(slackMs)
    for (const agent of ['uncounted', 'poster'])
      expect(Math.abs((uptime[agent]?.unknownMs ?? 0) - (goesOnMs - stoppedMs))).toBeLessThan(slackMs)
  }, 120_000)
})
