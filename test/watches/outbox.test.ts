import { beforeEach, describe, expect, it } from 'vitest'
import type { AlertRecord } from '../../src/ports/ledger.ts'
import { type Journal, openJournal } from '../../src/watches/journal.ts'
import { type Outbox, openOutbox } from '../../src/watches/outbox.ts'
import { type BrittleLedger, brittleLedger } from '../fakes/brittle-ledger.ts'
import { virtualClock } from '../fakes/virtual-clock.ts'
import { alert, alertOf } from '../support/ledger-facts.ts'
import { type KeptLog, keptLog } from '../support/log.ts'

const clock = virtualClock()
let ledger: BrittleLedger
let journal: Journal
let log: KeptLog
let unwritten: AlertRecord[]
let outbox: Outbox

beforeEach(async () => {
  ledger = brittleLedger()
  log = keptLog()
  journal = openJournal(ledger, log)
  unwritten = []
  outbox = openOutbox({ ledger, journal, clock, log, unwritten: () => unwritten })
  await ledger.write(['a', 'b', 'c'].map((id, index) => alert(id, index)))
})

const untold = (limit = 9, receiver = 'tower', fromMs?: number) => outbox.untold(receiver, limit, fromMs).map(({ id }) => id)

describe('what a receiver has still to be told', () => {
  it('is all that it was not, oldest first, as much as it asks for', async () => {
    expect([untold(), untold(2)]).toEqual([
      ['a', 'b', 'c'],
      ['a', 'b'],
    ])
    outbox.told('tower', 'a')
    await clock.advance(0)
    expect([untold(), untold(9, 'sink:phone')]).toEqual([
      ['b', 'c'],
      ['a', 'b', 'c'],
    ])
    expect(ledger.untold('tower', 9).length).toBe(2)
  })

  it('is not what was made before its time', () => {
    unwritten = [alertOf('d', 0), alertOf('e', 5)]
    expect(untold(9, 'sink:phone', 1)).toEqual(['b', 'c', 'e'])
  })

  it('is not again what it was told while that could not be written, and there is room for the next', () => {
    ledger.breakWrites()
    outbox.told('tower', 'a')
    outbox.told('tower', 'b')
    expect(untold(1)).toEqual(['c'])
  })

  it('has what is only in memory behind the rest, and nothing twice that is in both', () => {
    unwritten = [alertOf('c', 2), alertOf('d', 3)]
    expect(untold()).toEqual(['a', 'b', 'c', 'd'])
    outbox.told('tower', 'd')
    expect(untold()).toEqual(['a', 'b', 'c'])
  })

  it('is what is in memory while the ledger can not be read, which is said once', () => {
    unwritten = [alertOf('d', 3)]
    ledger.breakReads(['untold'])
    expect([untold(), untold()]).toEqual([['d'], ['d']])
    expect(log.messages('error')).toEqual(['the outbox could not be read; it is tried again'])
  })
})
