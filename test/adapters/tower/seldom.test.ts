import { expect, test } from 'vitest'
import { seldom } from '../../../src/adapters/tower/seldom.ts'

function stage() {
  const lines: [string, object, string][] = []
  let now = 0
  const record = (level: string) => (fields: object, message: string) => void lines.push([level, fields, message])
  const log = seldom({ debug: record('debug'), info: record('info'), warn: record('warn'), error: record('error') }, () => now)
  const at = (ms: number) => {
    now = ms
  }
  return { lines, log, at }
}

test('one sentence comes twenty times in ten minutes, another one all the same, and each with its level', () => {
  const { lines, log } = stage()
  for (let number = 0; number < 1_000; number++) log.warn({ number }, 'again')
  log.error({ number: 1 }, 'something else')
  expect(lines.length).toBe(21)
  expect(lines[19]).toEqual(['warn', { number: 19 }, 'again'])
  expect(lines[20]).toEqual(['error', { number: 1 }, 'something else'])
})

test('after ten minutes it comes again, and says how many were left out', () => {
  const { lines, log, at } = stage()
  for (let number = 0; number < 50; number++) log.info({ number }, 'again')
  at(600_000)
  log.info({ number: 50 }, 'again')
  log.info({ number: 51 }, 'again')
  expect(lines.slice(20)).toEqual([
    ['info', { number: 50, leftOut: 30 }, 'again'],
    ['info', { number: 51 }, 'again'],
  ])
})

test('what comes seldom is never touched', () => {
  const { lines, log, at } = stage()
  for (let hour = 0; hour < 100; hour++) {
    at(hour * 3_600_000)
    log.debug({ hour }, 'the hour')
  }
  expect(lines).toEqual(Array.from({ length: 100 }, (_, hour) => ['debug', { hour }, 'the hour']))
})
