/**
 * Hostile texts as arguments of everything that can be asked for: each is answered, each act and each refusal of one is in
 * the audit, and no answer moves a cursor. TOWERWATCH_CORPUS=10000 tries as many.
 */
import { afterEach, describe, expect, it } from 'vitest'
import { operations } from '../../src/operations/registry.ts'
import { openWorld, type World } from '../operations/world.ts'
import { agentConfig } from '../support/fleet.ts'
import { corpusSize, hostileTexts, patienceMs } from './corpus.ts'

const count = corpusSize(600)
const texts = hostileTexts(count)
const cursorMovers = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u

const bare = (text: string) => text.replace(/[\s\p{C}\p{Z}]/gu, '')

let world: World | undefined
afterEach(() => world?.stop())

const asked = operations.filter(({ answeredBy }) => answeredBy === 'watch')
const usual: Record<string, string> = {
  agent: 'bezalel',
  host: 'far',
  'agent-or-host': 'bezalel',
  subject: 'bezalel',
  incident: '1',
  number: '1',
  duration: '2h',
  text: 'because',
  word: 'word',
  flag: 'yes',
  pane: 'bezalel',
}

describe('the desk', { timeout: patienceMs(count) }, () => {
  it.each(asked)('answers `$name` whatever its arguments are, and has each act in the audit', async (operation) => {
    // No host is connected: what is asked of one is refused at once.
    world = openWorld([agentConfig('bezalel'), agentConfig('ezra', { host: 'far' })], {
      config: { authority: { confirm: [], withinMs: 120_000, changes: 10_000_000, perMs: 60_000 } },
    })
    const { ledger, desk } = world
    const share = Math.ceil(texts.length / asked.length)
    const from = asked.indexOf(operation) * share
    // The list by hand for every operation, and each generated text for one of them.
    for (const text of new Set([...texts.slice(0, 200), ...texts.slice(from, from + share)])) {
      for (const argument of [...operation.arguments.map(({ name }) => name), text]) {
        const required = operation.arguments
          .filter((one) => one.required)
          .map((one) => [one.name, one.kind === 'choice' ? one.words[0] : usual[one.kind]])
        const args: Record<string, unknown> = { ...Object.fromEntries(required), [argument]: text }
        const before = ledger.operations({ limit: 1 })[0]?.number ?? 0
        const said: string[] = []
        const actor = { kind: 'account' as const, id: '7', name: 'mallory' }
        const outcome = await desk.request(
          { operation: operation.name, arguments: args, actor, via: 'tower' },
          (line) => void said.push(line),
        )
        const what = JSON.stringify(args)
        for (const line of [...outcome.lines, ...said]) expect(line, what).not.toMatch(cursorMovers)
        if (operation.effect === 'sees') continue
        const [record] = ledger.operations({ limit: 1 })
        expect(record?.number, what).toBeGreaterThan(before)
        expect(record, what).toMatchObject({ operation: operation.name, actor, via: 'tower', status: outcome.status })
        const kind = operation.arguments.find(({ name }) => name === argument)?.kind
        // Without what is cleaned away, what was said is what is written down.
        if (kind === 'text' && record)
          expect(bare(text).startsWith(bare(String(record.arguments[argument] ?? '')).slice(0, 100)), what).toBe(true)
      }
    }
  })

  const odds: [unknown][] = [[{ toString: 1 }], [{ toString: 'x', valueOf: 'y' }], [[]], [null], [0], [true], [{ length: 9 }]]
  it.each(odds)('has an act in the audit that is asked for with %j', async (odd) => {
    world = openWorld([agentConfig('bezalel')])
    const actor = { kind: 'account' as const, id: '7', name: 'mallory' }
    const outcome = await world.desk.request({ operation: 'restart', arguments: { agent: odd }, actor, via: 'tower' }, () => {})
    expect(outcome.status).toBe('refused')
    expect(world.ledger.operations({ limit: 9 })).toMatchObject([{ operation: 'restart', status: 'refused', actor }])
  })
})
