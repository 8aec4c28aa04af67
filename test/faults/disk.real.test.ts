/** The disk below the ledger is full, can't be written, or takes its time. */
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, it, type TestContext } from 'vitest'
import { until } from '../support/until.ts'
import { judge, lifeOf, seen, settled, startSlowness } from './judge.ts'
import { readOnly, smallDisk, tamper } from './mishaps.ts'
import { type Daemon, openStage, type Stage } from './stage.ts'
import { tellOnFailure } from './story.ts'
import { wallMs } from './wall.ts'

const fleet = { ann: 'json', bea: 'json', cid: 'mtime', dot: 'hearsay', eve: 'push' } as const
const withinMs = 60_000
const refused = /^The audit could not be written, so nothing was done\. The log of the watch says why\.$/m
const fromMemory = /the ledger can't be written: this may be told again/

/** A stage whose daemon has seen everybody; what the daemon left at the end is judged, whatever `act` did to it. */
async function play(
  context: TestContext,
  title: string,
  act: (stage: Stage, daemon: Daemon) => Promise<void>,
  stateDir?: string,
): Promise<void> {
  const slowness = startSlowness()
  const stage = await openStage({ title, agents: fleet, ...(stateDir !== undefined && { stateDir }) })
  tellOnFailure(context, stage.story)
  try {
    await Promise.all(stage.agents.map((agent) => agent.start()))
    const daemon = stage.startDaemon()
    await seen(stage)
    const startMs = wallMs()
    await act(stage, daemon)
    await settled(stage)
    const endMs = wallMs()
    daemon.signal('SIGTERM')
    context.expect(await daemon.ended).toBe(0)
    const { faults, cameAgain } = judge(stage, [lifeOf(daemon, endMs, endMs)], { fromMs: startMs, toMs: endMs }, slowness)
    context.expect(faults).toEqual([])
    context.expect(cameAgain).toBe(0)
    context.expect(daemon.log.filter(({ msg }) => msg.includes('host cannot be reached'))).toEqual([])
  } finally {
    slowness.stop()
    await stage.close()
  }
}

const says = (stage: Stage, sentence: RegExp) =>
  until(() => stage.tower.said.find((text) => sentence.test(text)), { withinMs, what: () => `the Tower to say ${sentence}` })

/** What a watch without a ledger does and doesn't. */
async function goesOn(stage: Stage, daemon: Daemon): Promise<void> {
  await stage.agent('ann').kill()
  await daemon.says('the ledger could not be written', withinMs)
  expect(await says(stage, /^ann is down/)).toMatch(fromMemory)
  for (const looks of [['status'], ['health'], ['health', 'ann']]) expect((await stage.towerwatch(...looks)).code).toBe(0)
  const { agents } = JSON.parse((await stage.towerwatch('status', '--json')).out)
  expect(agents.map(({ id, state }: { id: string; state: string }) => [id, state])).toContainEqual(['ann', 'down'])
  for (const changes of [
    ['restart', 'bea'],
    ['pause', 'bea', '5m', 'for', 'a', 'test'],
  ]) {
    const { code, err } = await stage.towerwatch(...changes)
    expect([code === 0, err]).toEqual([false, expect.stringMatching(refused)])
  }
  await stage.agent('ann').start()
  await says(stage, /^ann is back up/)
  stage.agent('bea').freeze()
  await says(stage, /^bea is down: no heartbeat/)
  const { statuses } = stage.agent('eve').posted
  await until(() => statuses.at(-1) === 503, { withinMs, what: () => `posted beats to be answered with 503: ${statuses.slice(-9)}` })
}

/** There is room again, or the disk can be written again. */
async function catchesUp(stage: Stage, daemon: Daemon): Promise<void> {
  await daemon.says('the ledger can be written again', withinMs)
  const { statuses } = stage.agent('eve').posted
  await until(() => statuses.at(-1) === 200, { withinMs, what: 'posted beats to be taken again' })
  await stage.agent('bea').thaw()
  await says(stage, /^bea is back up/)
}

describe.concurrent('a ledger', () => {
  it('on a full disk: the watch goes on and tells from memory, changes nothing, and catches up', { timeout: 300_000 }, async (context) => {
    const disk = await smallDisk()
    console.log(`The disk that is full is ${disk.kind}.`)
    try {
      await play(
        context,
        'a full disk',
        async (stage, daemon) => {
          await disk.fill(daemon.pid, join(stage.stateDir, 'ledger.sqlite'))
          stage.story.note('the disk is full')
          await goesOn(stage, daemon)
          await disk.free(daemon.pid)
          stage.story.note('there is room again')
          await catchesUp(stage, daemon)
        },
        join(disk.folder, 'state'),
      )
    } finally {
      await disk.close()
    }
  })

  it('that turned read-only: the watch goes on and tells from memory, changes nothing, and catches up', { timeout: 300_000 }, (context) =>
    play(context, 'a read-only ledger', async (stage, daemon) => {
      const file = join(stage.stateDir, 'ledger.sqlite')
      const spell = await readOnly(daemon.pid, [file, `${file}-wal`])
      console.log(`The ledger that can't be written: ${spell.kind}.`)
      stage.story.note('the ledger is read-only')
      await goesOn(stage, daemon)
      expect(spell.count()).not.toBe(0)
      await spell.lift()
      stage.story.note('the ledger can be written again')
      await catchesUp(stage, daemon)
    }),
  )

  it('whose disk takes 12 s for one write: nobody seems silent, and what was noticed is told then', { timeout: 300_000 }, (context) =>
    play(context, 'a slow disk', async (stage, daemon) => {
      const spell = await tamper(daemon.pid, 'fdatasync,fsync:delay_enter=12000000:when=1')
      stage.story.note('the next write to the disk takes 12 s')
      const startMs = performance.now()
      await stage.agent('ann').kill()
      await wait(3_000)
      await stage.agent('bea').kill()
      // The slow write holds up what is told, and nothing else.
      let longestMs = 0
      while (stage.tower.said.length === 0 && performance.now() - startMs < withinMs) {
        const askedMs = performance.now()
        const answer = await fetch(`${stage.pushUrl}/beat/eve`, { method: 'POST', headers: { authorization: 'Bearer wrong' } })
        await answer.text()
        expect(answer.status).toBe(401)
        longestMs = Math.max(longestMs, performance.now() - askedMs)
        await wait(100)
      }
      const toldMs = performance.now()
      stage.story.note(`told after ${Math.round(toldMs - startMs)} ms; the longest answer took ${Math.round(longestMs)} ms`)
      expect(spell.count()).toBe(1)
      await spell.lift()
      expect(toldMs - startMs).toBeGreaterThan(11_000)
      expect(longestMs).toBeLessThan(4_000)
      const pings = [startMs, ...stage.tower.pingedMs.filter((ms) => ms > startMs && ms < toldMs), toldMs]
      const gapMs = Math.max(...pings.slice(1).map((ms, index) => ms - (pings[index] ?? 0)))
      expect(gapMs).toBeLessThan(8_000)
      await says(stage, /^bea is down/)
      // Posted again until it was durable.
      const { statuses } = stage.agent('eve').posted
      await until(() => statuses.at(-1) === 200, { withinMs, what: 'posted beats to be taken' })
      await stage.agent('ann').start()
      await stage.agent('bea').start()
      await says(stage, /back up/)
      expect(stage.tower.said.filter((text) => fromMemory.test(text))).toEqual([])
    }),
  )
})
