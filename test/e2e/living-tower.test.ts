/** What a player lives through: agents die, hang and return; hosts, the game and the watch itself go away in between. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Player } from '../support/player.ts'
import { isAlive, killSshd } from '../support/processes.ts'
import { until } from '../support/until.ts'
import { openStage, reborn, type Stage } from './stage.ts'

let stage: Stage
/** In the Watch Room, out in a host's room, and on the channel only. */
let inWatchRoom: Player
let visitor: Player

beforeAll(async () => {
  stage = await openStage()
  inWatchRoom = await stage.keeper()
  visitor = await stage.visitor()
  await inWatchRoom.hears('Watch Room')
  await visitor.hears('Watch Room')
})

afterAll(async () => {
  await stage?.close()
})

describe('an agent in a tmux pane on an SSH host', () => {
  it('dies by kill -9: heard in its room, in the Watch Room and on the channel; is shown down; comes back by restart', async () => {
    visitor.send('bezalel')
    await visitor.hears(/Bezalel \(up\)/)
    // Who stands in the Watch Room is told there, and on the channel only if he wants to be told twice.
    inWatchRoom.send('verbosity all')
    await inWatchRoom.hears(/You hear all/)
    const { pid } = stage.agent('bezalel')

    process.kill(pid, 'SIGKILL')

    await inWatchRoom.hears(/^bezalel is down: its pane is dead/)
    await inWatchRoom.hears(/\[Fleet\].*bezalel is down/)
    await visitor.hears(/^bezalel is down: its pane is dead/)
    visitor.send('look bezalel')
    await visitor.hears(/State: +down.*its pane is dead/)
    inWatchRoom.send('look')
    await inWatchRoom.hears(/Bezalel \(down\)/)

    inWatchRoom.send('restart bezalel')
    await inWatchRoom.hears(/start: respawning pane/)
    await inWatchRoom.hears(/verify: waiting for a beat/)
    await inWatchRoom.hears(/bezalel is back: a beat of its new life came/, 30_000)
    await visitor.hears(/^bezalel is back up after /, 30_000)
    await reborn(stage, 'bezalel', pid)
    visitor.send('look bezalel')
    await visitor.hears(/State: +up/)
    await visitor.hears(/Incident: +#\d+/)
  })

  it('comes back by itself where its policy is auto', async () => {
    const { pid } = stage.agent('ezra')
    process.kill(pid, 'SIGKILL')
    await inWatchRoom.hears(/^ezra is down: its pane is dead.*I am restarting it/)
    await inWatchRoom.hears(/^ezra is back up after/, 30_000)
    await reborn(stage, 'ezra', pid)
    const restarts = stage.ledger((ledger) => ledger.operations({ operation: 'restart', agent: 'ezra', limit: 10 }))
    expect(restarts).toMatchObject([{ actor: { kind: 'watch' }, status: 'ok' }])
  })

  it('that hangs is down once its beats stop, is left alone by the watch because it lives, and comes back by restart', async () => {
    const { pid } = stage.agent('allegro')
    process.kill(pid, 'SIGUSR1')
    await inWatchRoom.hears(/^allegro is down: no heartbeat/, 30_000)
    expect(isAlive(pid)).toBe(true)
    inWatchRoom.send('restart allegro')
    await inWatchRoom.hears(/stop: .*SIGTERM/)
    await inWatchRoom.hears(/^allegro is back up after/, 30_000)
    await reborn(stage, 'allegro', pid)
    expect(isAlive(pid)).toBe(false)
  })

  it('is watched as it writes, until "watch stop"; its dead pane is shown, and respawned with what stood there kept', async () => {
    inWatchRoom.send('panes')
    await inWatchRoom.hears(/^host +pane +state +program +quiet +agent/)
    await inWatchRoom.hears(/alive .* bezalel$/)
    inWatchRoom.send('watch bezalel')
    await inWatchRoom.hears(/^You watch bezalel \(its pane\)/)
    await inWatchRoom.hears(/^bezalel: /, 20_000)
    await inWatchRoom.hears(/^bezalel: /, 20_000)

    const { pid } = stage.agent('bezalel')
    process.kill(pid, 'SIGKILL')
    await inWatchRoom.hears(/^bezalel is down: its pane is dead/)
    inWatchRoom.send('panes')
    await inWatchRoom.hears(/ dead.* bezalel$/)
    inWatchRoom.send('respawn bezalel')
    await inWatchRoom.hears(/^start: pane %\d+ runs again.*what stood there before is in/)
    await inWatchRoom.hears(/^bezalel is back: a beat of its new life came/, 30_000)
    await reborn(stage, 'bezalel', pid)

    inWatchRoom.send('watch stop')
    await inWatchRoom.hears(/^You watch bezalel no more/)
    visitor.send('watch bezalel')
    await visitor.hears(/may not|not allowed|permission/i)
  })

  it('that is alive is restarted on request without being called dead in between', async () => {
    const { pid } = stage.agent('timmy')
    inWatchRoom.send('restart timmy')
    await inWatchRoom.hears(/timmy is back: a beat of its new life came/, 30_000)
    await reborn(stage, 'timmy', pid)
    expect(inWatchRoom.count(/timmy is down/)).toBe(0)
  })
})

describe('a host whose sshd and sessions are killed', () => {
  it('is one problem and one recovery: no agent is called down, none is restarted', async () => {
    const host = stage.info().hosts.find(({ id }) => id === 'ezra')
    if (!host) throw new Error('no host ezra')
    const before = stage.ledger((ledger) => ledger.operations({ agent: 'ezra', limit: 100 })).length
    const downBefore = inWatchRoom.count(/ezra is down/)

    killSshd(host.sshdPid)

    await inWatchRoom.hears(/^host ezra is unreachable/, 20_000)
    inWatchRoom.send('restart ezra')
    await inWatchRoom.hears(/ezra was not restarted: its host ezra can't be reached/)
    inWatchRoom.send('look')
    await inWatchRoom.hears(/Ezra \(unreachable\)/)
    await inWatchRoom.hears(/^host ezra is reachable again after/, 60_000)

    expect(inWatchRoom.count(/^host ezra is unreachable/)).toBe(1)
    expect(inWatchRoom.count(/ezra is down/)).toBe(downBefore)
    const operations = stage.ledger((ledger) => ledger.operations({ agent: 'ezra', limit: 100 }))
    expect(operations.slice(0, operations.length - before).map(({ actor }) => actor.kind)).toEqual(['account'])
  })
})

describe('an alert', () => {
  it('that falls into a reload of the game is told afterwards, once', async () => {
    const { pid } = stage.agent('bezalel')
    const toldBefore = inWatchRoom.count(/^bezalel is down/)
    const reloaded = stage.game.reload()
    await inWatchRoom.hears(/[Rr]eload|[Rr]estart/, 20_000)
    process.kill(pid, 'SIGKILL')
    await reloaded
    await inWatchRoom.hears(/^bezalel is down/, 40_000)
    inWatchRoom.send('restart bezalel')
    await inWatchRoom.hears(/^bezalel is back up after/, 40_000)
    await reborn(stage, 'bezalel', pid)
    expect(inWatchRoom.count(/^bezalel is down/)).toBe(toldBefore + 1)
  })

  it('is neither lost nor told twice when the watch itself is killed in between', async () => {
    const { pid } = stage.agent('bezalel')
    const toldBefore = inWatchRoom.count(/^bezalel is down/)
    const watch = stage.watchPid()
    process.kill(watch, 'SIGKILL')
    process.kill(pid, 'SIGKILL')
    await until(() => stage.watchPid() !== watch, { withinMs: 20_000, what: 'another watch' })
    await inWatchRoom.hears(/^bezalel is down/, 40_000)

    // And once more after it was told: nothing is announced anew.
    const second = stage.watchPid()
    process.kill(second, 'SIGKILL')
    await until(() => stage.watchPid() !== second, { withinMs: 30_000, what: 'a third watch' })
    await connectedAgain()
    inWatchRoom.send('restart bezalel')
    await inWatchRoom.hears(/^bezalel is back up after/, 40_000)
    await reborn(stage, 'bezalel', pid)
    expect(inWatchRoom.count(/^bezalel is down/)).toBe(toldBefore + 1)
  })
})

describe('somebody in the game', () => {
  it('is told at once, and since when, that the watch is not connected', async () => {
    const watch = stage.watchPid()
    process.kill(watch, 'SIGKILL')
    await until(
      async () => {
        inWatchRoom.send('health')
        return inWatchRoom.hears(/watch is not connected.*since|not connected since/i, 1_000).catch(() => undefined)
      },
      { withinMs: 15_000, what: 'the sentence that the watch is not connected' },
    )
    await until(() => stage.watchPid() !== watch, { withinMs: 30_000, what: 'another watch' })
    await connectedAgain()
  })

  it('who may only look is refused a restart, and the refusal is audited', async () => {
    const { pid } = stage.agent('timmy')
    visitor.send('restart timmy')
    await visitor.hears(/not allowed|may not|permission/i)
    expect(isAlive(pid)).toBe(true)
    const refused = await until(
      () =>
        stage
          .ledger((ledger) => ledger.operations({ operation: 'restart', limit: 5 }))
          .find(({ status, arguments: args }) => status === 'refused' && args['agent'] === 'agent:timmy'),
      { withinMs: 5_000, what: 'the refusal in the audit' },
    )
    expect(refused.actor).toMatchObject({ kind: 'account', name: 'visitor' })
  })

  it('asks for the fleet, health, incidents, phase and help, in and out of character', async () => {
    for (const [where, room] of [
      ['ooc', /out-of-character|OOC/],
      ['ic', /Watch Room/],
    ] as const) {
      inWatchRoom.send(where)
      await inWatchRoom.hears(room)
      inWatchRoom.send('fleet')
      await inWatchRoom.hears(/6 agents/)
      inWatchRoom.send('health')
      await inWatchRoom.hears(/^host +state/)
      inWatchRoom.send('health gemini')
      await inWatchRoom.hears(/^gemini: up/)
      inWatchRoom.send('incidents bezalel')
      await inWatchRoom.hears(/^#\d+ +bezalel/)
      inWatchRoom.send('phase')
      await inWatchRoom.hears(/Phase 2 trigger: NOT READY/)
      inWatchRoom.send('help towerwatch')
      await inWatchRoom.hears(/restart <agent>/)
    }
  })
})

async function connectedAgain(): Promise<void> {
  await until(
    async () => {
      inWatchRoom.send('health local')
      return inWatchRoom.hears(/^host local: up/, 1_500).catch(() => undefined)
    },
    { withinMs: 40_000, what: 'the watch to answer again' },
  )
}
