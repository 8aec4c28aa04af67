import { execFile } from 'node:child_process'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { Row } from '../../../src/adapters/ledger/rows.ts'
import { startWriter } from '../../../src/adapters/ledger/writer.ts'
import { LedgerError } from '../../../src/ports/ledger.ts'
import { alert, timmy, transition } from '../../support/ledger-facts.ts'
import { ledgerFolder } from './folder.ts'

const here = ledgerFolder()
const standIn = new URL('standing-in-child.ts', import.meta.url)
const note = (value: string): Row[] => [['note', 'name', value]]
const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('what is given to the writer', () => {
  it('in one turn of the event loop goes in one batch, and what is given meanwhile in the next', async () => {
    const writer = startWriter('', standIn)
    const first = ['a', 'b', 'c'].map((value) => writer.write(note(value)))
    await turn()
    const second = ['d', 'e'].map((value) => writer.write(note(value)))
    await Promise.all([...first, ...second])
    // It answers with what it has got so far.
    await expect(writer.write(note('say'))).rejects.toThrow('The ledger could not write note: a,b,c|d,e|say')
    await writer.close()
  })

  it('just before it closes is written', async () => {
    const writer = startWriter('', standIn)
    const first = writer.write(note('a'))
    await turn()
    const last = writer.write(note('say'))
    const closed = writer.close()
    await first
    await expect(last).rejects.toThrow('a|say')
    await closed
    await expect(writer.write(note('b'))).rejects.toThrow(/^The ledger could not be written: it is closed$/)
  })

  it('is rejected when its thread dies, with all that waits behind it, and the next write starts another', async () => {
    const writer = startWriter('', standIn)
    await writer.write(note('a'))
    const dying = [writer.write(note('b')), writer.write(note('die'))]
    await turn()
    const behind = [writer.write(note('c')), writer.upkeep(1)]
    const outcomes = await Promise.allSettled([...dying, ...behind])
    for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(LedgerError) })
    expect(outcomes.map((outcome) => String('reason' in outcome && outcome.reason))).toEqual([
      'LedgerError: The ledger could not write note: the thread was told to die',
      'LedgerError: The ledger could not write note: the thread was told to die',
      'LedgerError: The ledger could not write note: the thread was told to die',
      'LedgerError: The ledger could not do its upkeep: the thread was told to die',
    ])
    await expect(writer.write(note('say'))).rejects.toThrow(/ say$/)
    await writer.close()
  })

  it('is rejected when its thread ends without a word', async () => {
    const writer = startWriter('', standIn)
    await expect(writer.write(note('leave'))).rejects.toThrow('The ledger could not write note: its thread ended')
    await writer.close()
  })

  it('is rejected together where the thread could commit nothing', async () => {
    const writer = startWriter('', standIn)
    const calls = await Promise.allSettled([writer.write(note('a')), writer.write(note('full'))])
    expect(calls.map((call) => String('reason' in call && call.reason))).toEqual([
      'LedgerError: The ledger could not write note: database or disk is full',
      'LedgerError: The ledger could not write note: database or disk is full',
    ])
    await writer.close()
  })
})

describe('a disk that is slow', () => {
  it('stops nothing but the writes: reads go on, and all is written in order when it is back', async () => {
    const ledger = here.opened()
    await ledger.write([transition('new', 'up', 0)])
    // Another program's write is as slow to wait for as a disk.
    const slow = new DatabaseSync(here.file)
    slow.exec('BEGIN IMMEDIATE')
    let written = 0
    const calls = Array.from({ length: 5 }, (_, n) => ledger.write([transition('up', 'down', n + 1)]).then(() => written++))
    const upkept = ledger.upkeep(0)
    for (let turns = 0; turns < 50; turns++) {
      expect(ledger.timeline(timmy, 0)).toHaveLength(1)
      await turn()
    }
    calls.push(ledger.write([transition('down', 'up', 6)]).then(() => written++))
    expect(written).toBe(0)
    slow.exec('COMMIT')
    slow.close()
    await Promise.all(calls)
    await upkept
    expect(ledger.timeline(timmy, 0).map(({ atMs }) => atMs)).toEqual([0, 1, 2, 3, 4, 5, 6])
  })
})

describe('upkeep', () => {
  it('of much lets writes through', async () => {
    const ledger = here.opened()
    await ledger.write(Array.from({ length: 20_000 }, (_, n) => transition('up', 'down', n)))
    // Meanwhile the thread waits in the upkeep's first piece, and the write behind it.
    const slow = new DatabaseSync(here.file)
    slow.exec('BEGIN IMMEDIATE')
    const order: string[] = []
    const upkept = ledger.upkeep(1e9).then((rows) => order.push(`forgot ${rows}`))
    const written = ledger.write([alert('a', 1e9)]).then(() => order.push('wrote'))
    for (let turns = 0; turns < 50; turns++) await turn()
    slow.exec('COMMIT')
    slow.close()
    await Promise.all([upkept, written])
    expect(order).toEqual(['wrote', 'forgot 19999'])
  })

  it('that is not done is broken off by close', async () => {
    const ledger = here.opened()
    await ledger.write(Array.from({ length: 20_000 }, (_, n) => transition('up', 'down', n)))
    const upkept = expect(ledger.upkeep(1e9)).rejects.toThrow('The ledger could not do its upkeep: the ledger was closed meanwhile')
    await ledger.close()
    await upkept
    expect(here.opened().timeline(timmy, 19_999)).toHaveLength(2)
  })
})

describe('a process', () => {
  it.each(['open', 'close'])('is not kept alive by a ledger that has nothing to do: %s', async (how) => {
    const child = fileURLToPath(new URL('leaving-child.ts', import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, [child, here.file, how])
    expect(stdout).toBe('written\n')
    expect(here.opened('read').untold('tower', 9)).toHaveLength(2)
  })
})
