/** In the game a kind of alert has a colour; whoever sees none must find the kind in the words. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { acknowledgedText, flappingText, problemText, recoveryText, reminderText, type Trouble } from '../../src/domain/alert.ts'

/** The words that people listen for. Where a text has those of two kinds, the first of this list counts. */
const words = {
  reminder: /\bis still (down|unreachable)\b|\bare still (down|unreachable)\b|\b1 (agent|host) is still\b/,
  acknowledged: / looks after /,
  notice: /\b(is|are) flapping\b/,
  recovery: /\bback up\b|\breachable again\b|\bis watched no more\b|\bended because nobody watches\b/,
  problem: /\b(is|are) (down|unreachable)\b|\bwas (down|unreachable) for .* It is over already\b|\bbegan and ended already\b/,
}

const kindOf = (text: string): string | undefined => Object.entries(words).find(([, pattern]) => pattern.test(text))?.[0]

const troubles: fc.Arbitrary<Trouble[]> = fc.array(
  fc.record({
    number: fc.integer({ min: 1, max: 1e6 }),
    subject: fc.record({ kind: fc.constantFrom('agent' as const, 'host' as const), id: fc.stringMatching(/^[bcfgz][0-9bcfgz]{0,20}$/) }),
    host: fc.constantFrom('zz1', 'zz2'),
    cause: fc.constantFrom('silent', 'process-gone', 'pane-dead', 'hung', 'failing', 'timeout', 'auth'),
    lastedMs: fc.nat(1e9),
    isOver: fc.boolean(),
    isDismissed: fc.boolean(),
    policy: fc.constantFrom('auto' as const, 'ask' as const, 'off' as const),
    agents: fc.constant([]),
  }),
  { minLength: 1, maxLength: 40 },
)

const open = (all: readonly Trouble[]) => all.map((trouble) => ({ ...trouble, isOver: false, isDismissed: false }))
const ended = (all: readonly Trouble[]) => all.map((trouble) => ({ ...trouble, isOver: true }))

it('an alert of each kind has words that no alert of another kind has, be it of one or of many', () => {
  fc.assert(
    fc.property(troubles, (all) => {
      const said = {
        problem: problemText(all),
        recovery: recoveryText(ended(all)),
        reminder: reminderText(open(all)),
        acknowledged: acknowledgedText(open(all), { name: 'Ada', kind: 'sticky' }),
        notice: flappingText(open(all)),
      }
      for (const [kind, text] of Object.entries(said)) expect(kindOf(text), text).toBe(kind)
      expect(new Set(Object.values(said)).size).toBe(5)
    }),
    { numRuns: Number(process.env['TOWERWATCH_RUNS'] ?? 500) },
  )
})
