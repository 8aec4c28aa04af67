/** The daemon killed again and again, at random moments, while agents die, freeze and return, and post their beats. */
import { setTimeout as wait } from 'node:timers/promises'
import type { Random } from '../../src/simulator/random.ts'
import { until } from '../support/until.ts'
import type { FaultAgent } from './agents.ts'
import { judge, type Life, lifeOf, seen, settled, startSlowness, type Verdict } from './judge.ts'
import type { Daemon, Stage } from './stage.ts'
import { wallMs } from './wall.ts'

export interface Crashes extends Verdict {
  kills: number
}

export async function crashes(stage: Stage, kills: number, random: Random): Promise<Crashes> {
  const { story } = stage
  const lives: Life[] = []
  const faults: string[] = []
  const over = new AbortController()
  const slowness = startSlowness()
  try {
    await Promise.all(stage.agents.map((agent) => agent.start()))
    const startMs = wallMs()
    // Who was never seen can't be missed.
    let daemon = stage.startDaemon()
    await seen(stage)
    const living = stage.agents.map((agent, index) => live(stage, agent, random, over.signal).then(() => index))
    for (let kill = 1; kill <= kills; kill++) {
      lives.push(await killed(stage, daemon, random, faults))
      if (random.chance(0.3)) await wait(random.whole(0, 1_200))
      daemon = stage.startDaemon()
    }
    over.abort()
    await daemon.says('the host answers')
    await Promise.all(living)
    await settled(stage)
    const endMs = wallMs()
    lives.push(lifeOf(daemon, endMs, endMs))
    daemon.signal('SIGTERM')
    if ((await daemon.ended) !== 0) faults.push('the last daemon did not stop in order')
    const found = judge(stage, lives, { fromMs: startMs, toMs: endMs }, slowness)
    return { ...found, kills, faults: [...faults, ...found.faults] }
  } finally {
    over.abort()
    slowness.stop()
    story.note('the crash test is over')
  }
}

/** Works, dies or freezes, waits to be noticed or not, returns; until it is over. */
async function live(stage: Stage, agent: FaultAgent, random: Random, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await wait(random.whole(1_200, 4_000))
    const how = random.chance(0.6) ? 'gone' : 'frozen'
    if (how === 'gone') await agent.kill()
    else agent.freeze()
    // Most wait until somebody was told of it, however often the watch dies meanwhile.
    if (random.chance(0.6)) await told(stage, agent)
    await wait(random.whole(100, 3_000))
    if (how === 'gone') await agent.start()
    else await agent.thaw()
  }
}

/**
 * Resolves once the Tower has said that this agent is down. If it returned and fell again while nobody looked, that is the
 * problem of before. Or resolves after a while: on a machine that is too busy a watch may be killed again and again before it
 * could know, and whether it could have known is for the judge to say, who knows when each of them looked.
 */
async function told(stage: Stage, agent: FaultAgent): Promise<void> {
  const isTold = until(
    () => {
      const open = stage.ledger((ledger) => ledger.incidents({ subject: `agent:${agent.id}`, limit: 1 }))[0]
      if (!open || open.closedMs !== undefined) return false
      return stage.tower.alerts.some(({ kind, incidents }) => kind === 'problem' && incidents.includes(open.number))
    },
    { withinMs: 90_000, what: `anybody to be told of ${agent.id}` },
  )
  await isTold.catch((error: Error) => stage.story.note(error.message))
}

/** Kills it at some moment, and looks at what it left. */
async function killed(stage: Stage, daemon: Daemon, random: Random, faults: string[]): Promise<Life> {
  await Promise.race([moment(stage, daemon, random), daemon.ended])
  if (daemon.hasEnded()) faults.push(`a daemon has ended by itself: ${daemon.text().slice(-500)}`)
  daemon.signal('SIGKILL')
  const killedMs = wallMs()
  await daemon.ended
  const poster = stage.agents.find(({ kind }) => kind === 'push')
  const posted = { ...poster?.posted }
  const left = stage.ledger((ledger) => ({ ...ledger.remembered(), looking: ledger.looking() }))
  if (poster && posted.seq !== undefined) {
    const beat = left.beats.get(poster.id)
    const isThere = beat !== undefined && (beat.epoch !== posted.epoch || (beat.seq ?? 0) >= posted.seq)
    if (!isThere)
      faults.push(`${poster.id}: beat ${posted.epoch}/${posted.seq} was taken, and is not in the ledger: ${JSON.stringify(beat)}`)
  }
  return lifeOf(daemon, killedMs, left.looking?.atMs)
}

/** Resolves at the moment to kill it at: while it starts, soon after, while it tells somebody, or after a while. */
async function moment(stage: Stage, daemon: Daemon, random: Random): Promise<void> {
  const where = random.next()
  if (where < 0.25) return wait(random.whole(0, 1_000))
  await daemon.says('watching')
  if (where < 0.55) await wait(random.whole(0, 2_500))
  else if (where < 0.8) await alertAnd(stage, random.whole(0, 30))
  else await wait(random.whole(5_500, 7_000))
}

/** While an alert is on its way: between the Tower's word and the ledger's. */
async function alertAnd(stage: Stage, ms: number): Promise<void> {
  let off = () => {}
  await Promise.race([new Promise<void>((resolve) => (off = stage.tower.onAlert(() => resolve()))), wait(4_000)])
  off()
  await wait(ms)
}
