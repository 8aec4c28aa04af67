/** A request that runs for long and says much, as `watch` does. */
import { expect, it } from 'vitest'
import { requestDesk } from '../../../src/adapters/tower/request-desk.ts'
import type { Result, TowerRequest } from '../../../src/ports/tower.ts'
import { keptLog } from '../../support/log.ts'

const request: TowerRequest = {
  v: 1,
  id: 'r-1',
  operation: 'watch',
  arguments: { agent: 'timmy' },
  actor: { kind: 'account', id: '7', name: 'ada' },
  deadlineMs: 630_000,
}

function opened() {
  let now = 0
  let answer: (result: Result) => void = () => {}
  const desk = requestDesk({
    hand: (_request, given) => {
      answer = given
    },
    now: () => now,
    wake: () => {},
    log: keptLog(),
  })
  desk.start(0)
  desk.request(request, 0)
  const say = (status: Result['status'], ...lines: string[]) =>
    answer({ id: request.id, operation: request.operation, actor: request.actor, status, lines })
  const frames = () => {
    const sent: unknown[] = []
    for (let frame = desk.next(now); frame; frame = desk.next(now)) sent.push(frame.data)
    return sent
  }
  const pass = (ms: number) => {
    now += ms
  }
  return { desk, say, frames, pass }
}

it('sends what was said since the last frame in one', () => {
  const { say, frames } = opened()
  say('accepted')
  for (let line = 0; line < 10; line++) say('running', `line ${line}`)
  expect(frames()).toMatchObject([
    { status: 'accepted', lines: [] },
    { status: 'running', lines: Array.from({ length: 10 }, (_, line) => `line ${line}`) },
  ])
})

it('sends every line of ten minutes once and in order, and its end after them', () => {
  const { desk, say, frames, pass } = opened()
  const lines: string[] = []
  for (let second = 0; second < 600; second++) {
    for (let line = 0; line < 10; line++) say('running', `${second}.${line}`)
    pass(1_000)
    const sent = frames() as Result[]
    expect(sent).toHaveLength(1)
    lines.push(...(sent[0]?.lines ?? []))
  }
  expect(lines).toEqual(Array.from({ length: 6_000 }, (_, index) => `${Math.floor(index / 10)}.${index % 10}`))
  say('running', 'the last')
  say('ok', 'over')
  expect(frames()).toMatchObject([
    { status: 'running', lines: ['the last'] },
    { status: 'ok', lines: ['over'] },
  ])
  expect(desk.acknowledged('r-1', true)).toBe(true)
})

it('keeps the newest of what nobody takes', () => {
  const { say, frames } = opened()
  for (let line = 0; line < 1_000; line++) say('running', `line ${line}`)
  const [only] = frames() as Result[]
  expect(only?.lines).toHaveLength(100)
  expect(only?.lines.at(-1)).toBe('line 999')
})
