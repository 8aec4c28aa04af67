/** What people do about trouble, typed in the game: silence, acknowledge, pause; and what the others hear and see of it. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Player } from '../support/player.ts'
import { until } from '../support/until.ts'
import { openStage, reborn, type Stage } from './stage.ts'

let stage: Stage
let keeper: Player
let visitor: Player

beforeAll(async () => {
  stage = await openStage()
  keeper = await stage.keeper()
  visitor = await stage.visitor()
  await keeper.hears('Watch Room')
  await visitor.hears('Watch Room')
})

afterAll(async () => {
  await stage?.close()
})

it('a death under a silence is told to nobody, and to all when the silence is ended; who looks after it is told and shown', async () => {
  const { pid } = stage.agent('bezalel')
  keeper.send('silence host bezalel 10m a new disk')
  await keeper.hears(/No problem of host bezalel is told for 10 min: a new disk\./)
  process.kill(pid, 'SIGKILL')
  await keeper.hears(/This is silence 1\. To end it early, type: unsilence 1/)

  const open = () => stage.ledger((ledger) => ledger.incidents({ limit: 1 })).length > 0
  await until(open, { withinMs: 20_000, what: 'an incident' })
  keeper.send('incidents open')
  await keeper.hears(/#1: kept quiet by silence 1, for another \d+ min/)
  expect([keeper.count(/bezalel is down/), visitor.count(/bezalel is down/)]).toEqual([0, 0])

  keeper.send('unsilence 1')
  await keeper.hears(/^Silence 1 of host bezalel ends /)
  await visitor.hears(/^bezalel is down: its pane is dead/)

  visitor.send('ack bez sticky on it')
  await visitor.hears(/You may not use ack here/)
  keeper.send('ack bez sticky on it')
  await keeper.hears(/#1 \(bezalel\) is acknowledged until it is over: on it/)
  await visitor.hears(/looks after #1 \(bezalel is down\): on it/)
  visitor.send('look bezalel')
  await visitor.hears(/Incident: +#1 .*open, acknowledged by /)

  keeper.send('restart bezalel')
  await visitor.hears(/^bezalel is back up after /, 40_000)
  await reborn(stage, 'bezalel', pid)
  const asked = stage.ledger((ledger) => ledger.operations({ limit: 20 })).map(({ operation, status }) => `${operation} ${status}`)
  expect(asked.reverse()).toEqual(['silence ok', 'unsilence ok', 'ack refused', 'ack ok', 'restart ok'])
})

it('an agent that a person has paused is not called dead, until he resumes it', async () => {
  const { pid } = stage.agent('timmy')
  keeper.send('pause tim learning a new model')
  await keeper.hears(/timmy is paused until somebody resumes it: learning a new model\./)
  // Changes are mirrored once a second.
  const isShown = () => {
    visitor.send('look timmy')
    return visitor.count(/State: +paused for .*learning a new model/) > 0
  }
  await until(isShown, { withinMs: 10_000, what: 'Timmy to be shown as paused' })
  keeper.send('resume timmy')
  await keeper.hears(/timmy is no longer paused\./)
  keeper.send('resume timmy')
  await keeper.hears(/timmy is not paused\./)
  expect([keeper.count(/timmy is down/), stage.agent('timmy').pid]).toEqual([0, pid])
})
