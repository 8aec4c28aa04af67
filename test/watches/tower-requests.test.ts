import { beforeEach, describe, expect, it } from 'vitest'
import type { Desk } from '../../src/desk/desk.ts'
import type { DeskRequest } from '../../src/desk/job.ts'
import type { Outcome } from '../../src/operations/operation.ts'
import { operations } from '../../src/operations/registry.ts'
import type { Result, TowerHandlers, TowerRequest } from '../../src/ports/tower.ts'
import { watchMessages } from '../../src/protocol/messages.ts'
import type { Outbox } from '../../src/watches/outbox.ts'
import { towerHandlers } from '../../src/watches/tower-requests.ts'
import { type VirtualClock, virtualClock } from '../fakes/virtual-clock.ts'
import { alertOf } from '../support/ledger-facts.ts'

let clock: VirtualClock
let handlers: TowerHandlers
let asked: DeskRequest[]
let refusals: [DeskRequest, string][]
let work: (progress: (line: string) => void) => Promise<Outcome>

beforeEach(() => {
  clock = virtualClock()
  asked = []
  refusals = []
  work = async () => ({ status: 'ok', lines: ['done'] })
  const desk: Desk = {
    request: (request, progress) => {
      asked.push(request)
      return work(progress)
    },
    refusedElsewhere: async (request, reason) => void refusals.push([request, reason]),
    isActedOn: () => false,
  }
  let waiting = ['alert-1', 'alert-2', 'alert-3'].map((id) => alertOf(id))
  const outbox: Outbox = {
    untold: (receiver, limit) => (receiver === 'tower' ? waiting.slice(0, limit) : []),
    told: (_receiver, alertId) => {
      waiting = waiting.filter(({ id }) => id !== alertId)
    },
  }
  handlers = towerHandlers({ desk, outbox, operations, fleet: () => ({ hosts: [], agents: [] }), history: async () => [] })
})

const request = (more: Partial<TowerRequest> = {}): TowerRequest => ({
  v: 1,
  id: 'r-1',
  operation: 'restart',
  arguments: { agent: 'timmy' },
  actor: { kind: 'account', id: '7', name: 'Ada' },
  deadlineMs: 10_000,
  ...more,
})
const longAnswer = { status: 'ok' as const, lines: Array.from({ length: 1_000 }, (_, index) => `line ${index}`) }

async function answers(more: Partial<TowerRequest> = {}): Promise<Result[]> {
  const results: Result[] = []
  handlers.request(request(more), (result) => void results.push(result))
  await clock.advance(0)
  return results
}

describe('an answer for a Tower', () => {
  it('is made for the screen of the one who asked', async () => {
    await answers({ screen: { columns: 40, reader: true } })
    await answers()
    expect(asked.map(({ screen }) => screen)).toEqual([{ columns: 40, reader: true }, undefined])
  })

  it('that is longer than the wire takes says how much is left out', async () => {
    work = async () => longAnswer
    const lines = (await answers()).at(-1)?.lines ?? []
    expect(lines).toHaveLength(400)
    expect(lines.at(-1)).toBe('… and 601 more lines.')
  })
})

describe('the alerts for the Tower', () => {
  it('are those of the outbox, at most as many as were asked for, until they are acknowledged', () => {
    expect(handlers.unacknowledged(2).map(({ id }) => id)).toEqual(['alert-1', 'alert-2'])
    handlers.acknowledged('alert-1')
    expect(handlers.unacknowledged(9).map(({ id }) => id)).toEqual(['alert-2', 'alert-3'])
  })
})

describe('a request of the Tower', () => {
  it('of something that acts is accepted, runs and ends', async () => {
    work = async (progress) => {
      progress('check: looking')
      return { status: 'failed', lines: ['it would not start'] }
    }
    const [accepted, running, failed] = await answers()
    expect(accepted).toEqual({ id: 'r-1', operation: 'restart', actor: request().actor, status: 'accepted', lines: [] })
    expect(running).toMatchObject({ status: 'running', lines: ['check: looking'] })
    expect(failed).toMatchObject({ status: 'failed', lines: ['it would not start'] })
  })

  it('of something that only sees is answered once', async () => {
    const results = await answers({ operation: 'health', arguments: {} })
    expect(results.map(({ status }) => status)).toEqual(['ok'])
  })

  it('is made in the name of an account, whoever the Tower says it is', async () => {
    await answers({ actor: { kind: 'watch', id: 'watch', name: 'the watch' } })
    await answers({ actor: { kind: 'shell', id: '0', name: 'root' } })
    expect(asked.map(({ actor, via }) => [actor.kind, via])).toEqual([
      ['account', 'tower'],
      ['account', 'tower'],
    ])
  })

  it('gets an answer that fits on the wire, however long it is', async () => {
    work = async () => ({ status: 'ok', lines: Array.from({ length: 1_000 }, () => 'x'.repeat(1_000)) })
    for (const result of await answers()) expect(watchMessages.tower_result.safeParse({ v: 1, ...result }).success).toBe(true)
  })
})

it('a refusal by the locks of the Tower is handed to the audit', () => {
  handlers.refused({ v: 1, operation: 'restart', arguments: { agent: 'timmy' }, actor: request().actor, reason: 'you may only look' })
  expect(refusals).toEqual([
    [{ operation: 'restart', arguments: { agent: 'timmy' }, actor: request().actor, via: 'tower' }, 'you may only look'],
  ])
})
