import { describe, expect, it } from 'vitest'
import type { LedgerFact } from '../../src/ports/ledger.ts'
import { openJournal } from '../../src/watches/journal.ts'
import { brittleLedger } from '../fakes/brittle-ledger.ts'
import { keptLog } from '../support/log.ts'

const note = (value: string): LedgerFact => ({ kind: 'note', name: 'n', value })

function opened() {
  const ledger = brittleLedger()
  const log = keptLog()
  const journal = openJournal(ledger, log)
  const values = () => ledger.written.map((fact) => (fact.kind === 'note' ? fact.value : ''))
  return { ledger, log, journal, values }
}

describe('a journal', () => {
  it('writes what comes at the very moment at which a write before it ends', async () => {
    // At each of the few steps between "it is written" and "nobody is writing any more" somebody else may write.
    for (let steps = 0; steps < 12; steps++) {
      const { journal, values } = opened()
      void journal.write([note('first')])
      for (let step = 0; step < steps; step++) await undefined
      await journal.write([note('second')])
      expect(values()).toEqual(['first', 'second'])
    }
  })

  it('writes in the order in which it was given, whatever gathers meanwhile', async () => {
    const { ledger, journal, values } = opened()
    ledger.hold()
    for (const value of ['a', 'b', 'c']) void journal.write([note(value)])
    expect(ledger.held()).toBe(1)
    await ledger.release()
    await journal.settled()
    expect(values()).toEqual(['a', 'b', 'c'])
  })

  it('keeps what the ledger can not take, and writes it in its order when it can', async () => {
    const { ledger, log, journal, values } = opened()
    ledger.breakWrites()
    const done = ['a', 'b'].map((value) => journal.write([note(value)]))
    await journal.settled()
    expect([journal.isBroken(), values(), log.messages('error').length]).toEqual([true, [], 1])
    ledger.mend()
    journal.flush()
    await Promise.all(done)
    expect([journal.isBroken(), values()]).toEqual([false, ['a', 'b']])
  })
})
