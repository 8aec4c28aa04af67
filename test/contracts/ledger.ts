/** What every Ledger owes, whether it is in memory or in a file. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AgentRecord, newAgent } from '../../src/domain/agent.ts'
import { noHead } from '../../src/domain/audit.ts'
import { newHost } from '../../src/domain/host.ts'
import { type AlertRecord, type Ledger, LedgerError, type LedgerFact } from '../../src/ports/ledger.ts'
import {
  ada,
  alert,
  alertOf,
  incident,
  incidentOf,
  local,
  muteOf,
  operation,
  operationOf,
  run,
  timmy,
  told,
  transition,
} from '../support/ledger-facts.ts'

export function ledgerContract(name: string, start: () => { ledger: Ledger; stop(): Promise<void> }): void {
  describe(`a ledger ${name}`, () => {
    let ledger: Ledger
    let stop: () => Promise<void>
    beforeEach(() => {
      ;({ ledger, stop } = start())
    })
    afterEach(() => stop())

    const ids = (alerts: AlertRecord[]) => alerts.map(({ id }) => id)

    describe('remembers', () => {
      it('nothing at first', () => {
        expect(ledger.remembered()).toEqual({ agents: new Map(), hosts: new Map(), beats: new Map() })
        expect(ledger.looking()).toBeUndefined()
        expect(ledger.untold('tower', 9)).toEqual([])
        expect(ledger.note('upkeep')).toBeUndefined()
        expect(ledger.timeline(timmy, 0)).toEqual([])
      })

      it('the last record of each agent and host, posted beats, and when the watch looked', async () => {
        const record: AgentRecord = {
          facts: {
            lastBeat: { atMs: 3, epoch: 'a', seq: 2, busy: true },
            watchedSinceMs: 1,
            good: { count: 4, sinceMs: 2 },
            paused: { sinceMs: 3, by: { marker: { reason: 'ünïcode "quoted"' }, person: { reason: '', untilMs: 9 } } },
          },
          status: { state: 'paused', sinceMs: 3, cause: 'why' },
        }
        await ledger.write([
          { kind: 'agent', id: 'timmy', record: newAgent(0) },
          { kind: 'agent', id: 'timmy', record },
          { kind: 'host', id: 'timmy', record: newHost(1) },
          { kind: 'looking', mark: { atMs: 42, boot: 'b', bootMs: 7 } },
          { kind: 'beat', agent: 'ezra', beat: { atMs: 5, epoch: '' } },
        ])
        await ledger.write([{ kind: 'beat', agent: 'ezra', beat: { atMs: 6, epoch: 'x', failing: 'no disk' } }])
        expect(ledger.remembered()).toEqual({
          agents: new Map([['timmy', record]]),
          hosts: new Map([['timmy', newHost(1)]]),
          beats: new Map([['ezra', { atMs: 6, epoch: 'x', failing: 'no disk' }]]),
        })
        expect(ledger.looking()).toEqual({ atMs: 42, boot: 'b', bootMs: 7 })
      })

      it('notes by their name', async () => {
        await ledger.write([{ kind: 'note', name: 'upkeep', value: '2026-03-28' }])
        await ledger.write([{ kind: 'note', name: 'upkeep', value: '2026-03-29' }])
        expect(ledger.note('upkeep')).toBe('2026-03-29')
        expect(ledger.note('other')).toBeUndefined()
      })
    })

    describe('writes', () => {
      it('all of a call or nothing of it', async () => {
        await ledger.write([transition('new', 'up', 1)])
        const nobody: unknown = null
        const broken = { kind: 'transition', subject: timmy, transition: { from: nobody, to: 'down', atMs: 3, noticedMs: 3 } } as LedgerFact
        await expect(ledger.write([transition('up', 'late', 2), incident(1), alert('a'), broken])).rejects.toThrow(LedgerError)
        expect(ledger.timeline(timmy, 0)).toEqual([{ atMs: 1, state: 'up' }])
        expect(ledger.incidents({ limit: 9 })).toEqual([])
        expect(ledger.untold('tower', 9)).toEqual([])
        await ledger.write([transition('up', 'down', 4)])
        expect(ledger.timeline(timmy, 0)).toHaveLength(2)
      })

      it('the calls beside one that fails, in the order in which they were given', async () => {
        const broken: LedgerFact = { kind: 'note', name: 'x', value: Symbol('no text') as unknown as string }
        const calls = [
          ledger.write([{ kind: 'note', name: 'n', value: '1' }, alert('a')]),
          ledger.write([alert('b'), broken]),
          ledger.write([{ kind: 'note', name: 'n', value: '2' }, alert('c')]),
        ]
        const outcomes = await Promise.allSettled(calls)
        expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
        expect(ledger.note('n')).toBe('2')
        expect(ids(ledger.untold('tower', 9))).toEqual(['a', 'c'])
      })

      it.each<[string, LedgerFact]>([
        ['a time without an end', { kind: 'mute', mute: muteOf(1, 0, Number.POSITIVE_INFINITY) }],
        ['a time that is no number', transition('up', 'down', Number.NaN)],
        ['a number deep inside', { kind: 'beat', agent: 'timmy', beat: { atMs: 1, epoch: '', seq: Number.NaN } }],
      ])('nothing that could not be read back: %s', async (_, fact) => {
        await expect(ledger.write([fact])).rejects.toThrow(/^The ledger could not write (mute|transition|beat): /)
      })

      it('what it was given, whatever becomes of that later', async () => {
        const mine = incidentOf(1)
        const written = ledger.write([{ kind: 'incident', incident: mine }])
        mine.cause = 'changed meanwhile'
        await written
        expect(ledger.incidents({ limit: 9 })).toEqual([incidentOf(1)])
      })

      it('no facts at all, gladly', async () => {
        await ledger.write([])
      })
    })

    describe('numbers', () => {
      it('count from one, each kind by itself', () => {
        expect([ledger.nextNumber('incident'), ledger.nextNumber('incident'), ledger.nextNumber('operation')]).toEqual([1, 2, 1])
        expect([ledger.nextNumber('mute'), ledger.nextNumber('incident')]).toEqual([1, 3])
      })

      it('are never those of something that was written', async () => {
        await ledger.write([incident(7), operation(3), { kind: 'mute', mute: muteOf(5, 0, 1) }])
        expect([ledger.nextNumber('incident'), ledger.nextNumber('operation'), ledger.nextNumber('mute')]).toEqual([8, 4, 6])
      })
    })

    describe('the timeline', () => {
      it('begins with the state from before the window', async () => {
        await ledger.write([transition('new', 'up', 10), transition('up', 'late', 20), transition('late', 'down', 30)])
        await ledger.write([transition('new', 'up', 15, local)])
        const lastTwo = [
          { atMs: 20, state: 'late' },
          { atMs: 30, state: 'down' },
        ]
        expect(ledger.timeline(timmy, 25)).toEqual(lastTwo)
        expect(ledger.timeline(timmy, 30)).toEqual(lastTwo)
        expect(ledger.timeline(timmy, 100)).toEqual([{ atMs: 30, state: 'down' }])
        const fall = { from: 'late', to: 'down', atMs: 35, noticedMs: 36, cause: 'silent' }
        await ledger.write([{ kind: 'transition', subject: timmy, transition: fall }])
        expect(ledger.timeline(timmy, 100)).toEqual([{ atMs: 35, state: 'down', cause: 'silent' }])
        expect(ledger.timeline(local, 0)).toEqual([{ atMs: 15, state: 'up' }])
        expect(ledger.timeline({ kind: 'agent', id: 'nobody' }, 0)).toEqual([])
      })

      it('keeps the order of steps at the same moment', async () => {
        await ledger.write([transition('new', 'up', 10), transition('up', 'unknown', 10)])
        await ledger.write([transition('unknown', 'up', 10)])
        expect(ledger.timeline(timmy, 10).map(({ state }) => state)).toEqual(['up', 'unknown', 'up'])
        expect(ledger.timeline(timmy, 11).map(({ state }) => state)).toEqual(['up'])
      })

      it('has transitions written late, or with fractions of a millisecond, in their place', async () => {
        await ledger.write([transition('up', 'down', 30)])
        await ledger.write([transition('new', 'up', 9.75)])
        expect(ledger.timeline(timmy, 0)).toEqual([
          { atMs: 10, state: 'up' },
          { atMs: 30, state: 'down' },
        ])
      })
    })

    it('gives transitions of everybody or of one, oldest first, from the beginning of a time to before its end', async () => {
      const full: LedgerFact = {
        kind: 'transition',
        subject: timmy,
        transition: { from: 'late', to: 'down', atMs: 20, noticedMs: 25, cause: 'silent', lastBeatMs: 5 },
      }
      await ledger.write([transition('new', 'up', 10), transition('new', 'up', 15, local), full, transition('down', 'up', 30)])
      const all = ledger.transitions({ fromMs: 10, toMs: 30, limit: 9 })
      expect(all.map(({ subject, atMs }) => [subject.kind, atMs])).toEqual([
        ['agent', 10],
        ['host', 15],
        ['agent', 20],
      ])
      expect(all[2]).toEqual({ subject: timmy, from: 'late', to: 'down', atMs: 20, noticedMs: 25, cause: 'silent', lastBeatMs: 5 })
      expect(ledger.timeline(timmy, 20)[1]).toEqual({ atMs: 20, state: 'down', cause: 'silent' })
      expect(ledger.transitions({ subject: timmy, fromMs: 0, toMs: 99, limit: 2 }).map(({ atMs }) => atMs)).toEqual([10, 20])
    })

    describe('incidents', () => {
      it('come open ones first, then the newest, as they were last written', async () => {
        await ledger.write([incident(1), incident(2), incident(3, { subject: local }), incident(4)])
        const ack = { kind: 'sticky' as const, by: ada, atMs: 9, comment: 'mine' }
        await ledger.write([
          incident(1, { closedMs: 9 }),
          incident(4, { closedMs: 8 }),
          incident(2, { ack, told: { alertId: 'a', atMs: 2 } }),
        ])
        expect(ledger.incidents({ limit: 9 })).toEqual([
          incidentOf(3, { subject: local }),
          incidentOf(2, { ack, told: { alertId: 'a', atMs: 2 } }),
          incidentOf(4, { closedMs: 8 }),
          incidentOf(1, { closedMs: 9 }),
        ])
        expect(ledger.incidents({ limit: 1 })).toHaveLength(1)
      })

      it('are found by number, and by the name or the key of their subject', async () => {
        await ledger.write([incident(1), incident(2, { subject: local }), incident(3, { subject: { kind: 'agent', id: 'ezra' } })])
        const numbers = (filter: Partial<Parameters<Ledger['incidents']>[0]>) =>
          ledger.incidents({ limit: 9, ...filter }).map(({ number }) => number)
        expect(numbers({ subject: 'timmy' })).toEqual([2, 1])
        expect(numbers({ subject: 'host:timmy' })).toEqual([2])
        expect(numbers({ number: 3 })).toEqual([3])
        expect(numbers({ number: 3, subject: 'timmy' })).toEqual([])
      })
    })

    describe('the outbox', () => {
      it('holds for each receiver what that one was not told, oldest first', async () => {
        for (const id of ['b', 'a', 'c']) await ledger.write([alert(id)])
        await ledger.write([told('a')])
        expect(ids(ledger.untold('tower', 9))).toEqual(['b', 'c'])
        expect(ids(ledger.untold('other', 9))).toEqual(['b', 'a', 'c'])
        expect(ids(ledger.untold('other', 2))).toEqual(['b', 'a'])
        await ledger.write([told('a', 2), told('never-heard-of')])
        expect(ids(ledger.untold('tower', 9))).toEqual(['b', 'c'])
        await ledger.write([told('b'), told('c')])
        expect(ledger.untold('tower', 9)).toEqual([])
        await ledger.write([alert('d')])
        expect(ids(ledger.untold('tower', 9))).toEqual(['d'])
      })

      it('does not hold what was told before it was written', async () => {
        await ledger.write([told('a'), alert('a'), alert('b')])
        expect(ids(ledger.untold('tower', 9))).toEqual(['b'])
      })

      it('holds the whole alert, and each id once', async () => {
        const whole: AlertRecord = { ...alertOf('a', 10), kind: 'recovery', durationMs: 300, incidents: [1, 2], subjects: [] }
        await ledger.write([{ kind: 'alert', alert: whole }])
        await ledger.write([alert('a')])
        expect(ledger.untold('tower', 9)).toEqual([whole])
      })

      it('leaves out what is older than a receiver wants to know', async () => {
        await ledger.write([alert('a', 10), alert('b', 20), alert('c', 30)])
        expect(ids(ledger.untold('hook', 9, 20))).toEqual(['b', 'c'])
        expect(ids(ledger.untold('hook', 9, 25))).toEqual(['c'])
        expect(ids(ledger.untold('hook', 9))).toEqual(['a', 'b', 'c'])
        expect(ledger.untold('hook', 0)).toEqual([])
        expect(ids(ledger.untold('hook', 9))).toEqual(['a', 'b', 'c'])
      })
    })

    describe('the audit', () => {
      it('holds an operation from its beginning to its end', async () => {
        await ledger.write([operation(1)])
        expect(ledger.operations({ limit: 9 })).toEqual([operationOf(1)])
        await ledger.write([operation(1, { status: 'ok', lines: ['it is back'], endedMs: 9 })])
        expect(ledger.operations({ limit: 9 })).toEqual([operationOf(1, { status: 'ok', lines: ['it is back'], endedMs: 9 })])
      })

      it('is found by operation, agent, kind of actor and time, newest first', async () => {
        await ledger.write([
          operation(1),
          operation(2, { actor: { kind: 'watch', id: 'watch', name: 'the watch' } }),
          operation(3, { arguments: { agent: 'ezra' } }),
          operation(4, { operation: 'failover', arguments: {} }),
        ])
        const numbers = (filter: Partial<Parameters<Ledger['operations']>[0]>) =>
          ledger.operations({ limit: 9, ...filter }).map(({ number }) => number)
        expect(numbers({})).toEqual([4, 3, 2, 1])
        expect(numbers({ limit: 2 })).toEqual([4, 3])
        expect(numbers({ operation: 'restart', agent: 'timmy' })).toEqual([2, 1])
        expect(numbers({ actorKind: 'watch' })).toEqual([2])
        expect(numbers({ sinceMs: 3 })).toEqual([4, 3])
      })
    })

    describe('the chain of the audit', () => {
      it('is whole while there is nothing in it', async () => {
        expect(await ledger.verifyAudit()).toEqual({ kind: 'whole', entries: 0, from: noHead, head: noHead })
        expect(ledger.audit({ limit: 9 })).toEqual([])
      })

      it('has an entry for each time that an operation is written, newest first', async () => {
        await ledger.write([operation(1, { arguments: { agent: 'timmy', reason: 'because', dryRun: 'yes' } })])
        await ledger.write([operation(1, { status: 'ok', lines: ['it is back'], endedMs: 9, confirmedBy: ada, partOf: 7, why: '#3' })])
        expect(ledger.audit({ limit: 9 })).toMatchObject([
          { seq: 2, atMs: 9, event: 'ok', number: 1, isDryRun: false, lines: ['it is back'], confirmedBy: ada, partOf: 7, why: '#3' },
          { seq: 1, event: 'begun', number: 1, isDryRun: true, arguments: { agent: 'timmy', reason: 'because' }, why: 'because' },
        ])
        expect(await ledger.verifyAudit()).toMatchObject({ kind: 'whole', entries: 2, head: { seq: 2 } })
      })

      it('is searched by operation, by whom it was about, and by time', async () => {
        await ledger.write([
          operation(1),
          operation(2, { arguments: { agent: 'ezra' } }),
          operation(3, { arguments: { subject: 'host:ezra', duration: '2h' } }),
          operation(4, { arguments: { subject: 'agent:ezra', reason: 'timmy' }, requestedMs: 50 }),
        ])
        const numbers = (filter: Partial<Parameters<Ledger['audit']>[0]>) =>
          ledger.audit({ limit: 9, ...filter }).map(({ number }) => number)
        expect(numbers({ subject: 'ezra' })).toEqual([4, 3, 2])
        expect(numbers({ subject: 'ezra', number: 3 })).toEqual([3])
        expect(numbers({ sinceMs: 50 })).toEqual([4])
        expect(numbers({ subject: 'ezra', sinceMs: 50, limit: 1 })).toEqual([4])
        expect(numbers({ limit: 2 })).toEqual([4, 3])
      })

      it('holds only what was written with its operation: a call that fails leaves nothing in it', async () => {
        const nobody: unknown = null
        const broken = { kind: 'transition', subject: timmy, transition: { from: nobody, to: 'down', atMs: 3, noticedMs: 3 } } as LedgerFact
        await ledger.write([operation(1)])
        await expect(ledger.write([operation(2), broken])).rejects.toThrow(LedgerError)
        await Promise.all([ledger.write([operation(3)]), ledger.write([operation(4)])])
        expect(ledger.audit({ limit: 9 }).map(({ number }) => number)).toEqual([4, 3, 1])
        expect(await ledger.verifyAudit()).toMatchObject({ kind: 'whole', entries: 3 })
      })

      it('still verifies after its beginning was forgotten, all of it even', async () => {
        await ledger.write(Array.from({ length: 1_200 }, (_, n) => operation(n + 1, { requestedMs: n, status: 'ok', endedMs: n })))
        await ledger.upkeep(1_100)
        expect(await ledger.verifyAudit()).toMatchObject({ kind: 'whole', entries: 100, from: { seq: 1_100 }, head: { seq: 1_200 } })
        await ledger.upkeep(5_000)
        expect(await ledger.verifyAudit()).toMatchObject({ kind: 'whole', entries: 0, from: { seq: 1_200 }, head: { seq: 1_200 } })
        await ledger.write([operation(ledger.nextNumber('operation'), { requestedMs: 6_000 })])
        expect(await ledger.verifyAudit()).toMatchObject({ kind: 'whole', entries: 1, head: { seq: 1_201 } })
        expect(ledger.audit({ limit: 9 }).map(({ seq, number }) => [seq, number])).toEqual([[1_201, 1_201]])
      })
    })

    it('holds mutes until they have ended, as they were last written', async () => {
      const mutes = [muteOf(1, 0, 10), muteOf(2, 0, 30), muteOf(3, 5, 20)]
      await ledger.write(mutes.map((mute) => ({ kind: 'mute', mute })))
      expect(ledger.mutes(10)).toEqual(mutes)
      expect(ledger.mutes(11)).toEqual([muteOf(2, 0, 30), muteOf(3, 5, 20)])
      await ledger.write([{ kind: 'mute', mute: muteOf(2, 0, 12) }])
      expect(ledger.mutes(15)).toEqual([muteOf(3, 5, 20)])
    })

    it('keeps activity as spans, whose end moves', async () => {
      const activity = (agent: string, fromMs: number, toMs: number, busy = true): LedgerFact => ({
        kind: 'activity',
        agent,
        span: { fromMs, toMs, busy },
      })
      await ledger.write([activity('timmy', 10, 20), activity('timmy', 10, 30), activity('timmy', 30, 40, false)])
      await ledger.write([activity('timmy', 40, 50), activity('ezra', 40, 60)])
      expect(ledger.busySpans('timmy', 0)).toEqual([
        { fromMs: 10, toMs: 30 },
        { fromMs: 40, toMs: 50 },
      ])
      expect(ledger.busySpans('timmy', 30)).toEqual([{ fromMs: 40, toMs: 50 }])
    })

    it('keeps proofs of life by agent', async () => {
      await ledger.write([
        { kind: 'proof', agent: 'timmy', fromMs: 10, toMs: 20 },
        { kind: 'proof', agent: 'timmy', fromMs: 30, toMs: 40 },
        { kind: 'proof', agent: 'ezra', fromMs: 30, toMs: 40 },
      ])
      expect(ledger.proofs('timmy', 0)).toEqual([
        { fromMs: 10, toMs: 20 },
        { fromMs: 30, toMs: 40 },
      ])
      expect(ledger.proofs('timmy', 20)).toEqual([{ fromMs: 30, toMs: 40 }])
    })

    it('keeps one run for each due time of a job, and knows the newest', async () => {
      await ledger.write([run('2026-03-29T02:30', 20), run('2026-03-28T02:30', 30)])
      await ledger.write([run('2026-03-29T02:30', 20, { endedMs: 25, outcome: 'failed', detail: 'exit 3' })])
      const newest = { job: 'nightly', due: '2026-03-29T02:30', startedMs: 20, endedMs: 25, outcome: 'failed', detail: 'exit 3' }
      expect(ledger.lastRun('nightly')).toEqual(newest)
      expect(ledger.run('nightly', '2026-03-29T02:30')).toEqual(newest)
      expect(ledger.run('nightly', '2026-03-28T02:30')?.startedMs).toBe(30)
      expect(ledger.run('nightly', '2026-03-27T02:30')).toBeUndefined()
      expect(ledger.lastRun('weekly')).toBeUndefined()
    })

    describe('upkeep', () => {
      it('forgets what is old, and keeps what is needed to read the rest', async () => {
        await ledger.write([
          transition('new', 'up', 10),
          transition('up', 'down', 20),
          transition('down', 'up', 120),
          transition('new', 'up', 10, local),
          incident(1, { closedMs: 99 }),
          incident(2),
          incident(3, { closedMs: 100 }),
          { kind: 'mute', mute: muteOf(1, 0, 99) },
          { kind: 'mute', mute: muteOf(2, 0, 100) },
          { kind: 'activity', agent: 'timmy', span: { fromMs: 10, toMs: 90, busy: true } },
          { kind: 'activity', agent: 'timmy', span: { fromMs: 95, toMs: 110, busy: true } },
          { kind: 'proof', agent: 'timmy', fromMs: 10, toMs: 90 },
          { kind: 'proof', agent: 'timmy', fromMs: 95, toMs: 110 },
          run('2026-03-27T02:30', 10),
          run('2026-03-28T02:30', 20),
          operation(1),
        ])
        // The entry of the operation in the audit is one of them.
        expect(await ledger.upkeep(100)).toBe(7)
        expect(ledger.timeline(timmy, 0)).toEqual([
          { atMs: 20, state: 'down' },
          { atMs: 120, state: 'up' },
        ])
        expect(ledger.timeline(local, 0)).toEqual([{ atMs: 10, state: 'up' }])
        expect(ledger.incidents({ limit: 9 }).map(({ number }) => number)).toEqual([2, 3])
        expect(ledger.mutes(0).map(({ number }) => number)).toEqual([2])
        expect(ledger.busySpans('timmy', 0)).toEqual([{ fromMs: 95, toMs: 110 }])
        expect(ledger.proofs('timmy', 0)).toEqual([{ fromMs: 95, toMs: 110 }])
        expect(ledger.run('nightly', '2026-03-27T02:30')).toBeUndefined()
        expect(ledger.lastRun('nightly')?.startedMs).toBe(20)
        expect(ledger.operations({ limit: 9 })).toHaveLength(1)
        expect(await ledger.upkeep(100)).toBe(0)
      })

      it('never makes an alert look untold', async () => {
        await ledger.write([alert('old', 10), told('old', 11), alert('new', 120), told('new', 50), told('elsewhere', 10)])
        expect(await ledger.upkeep(100)).toBe(3)
        expect(ledger.untold('tower', 9)).toEqual([])
        await ledger.write([alert('next', 130)])
        expect(ids(ledger.untold('tower', 9))).toEqual(['next'])
        expect(ids(ledger.untold('other', 9))).toEqual(['new', 'next'])
      })

      it('forgets thousands of rows of many subjects', async () => {
        const facts: LedgerFact[] = []
        for (let n = 0; n < 2_000; n++) {
          facts.push(transition('up', 'late', n), alert(`alert-${n}`, n), transition('up', 'down', n, { kind: 'agent', id: `a${n % 40}` }))
        }
        await ledger.write(facts)
        expect(await ledger.upkeep(10_000)).toBe(2_000 + 1_999 + 2_000 - 40)
        expect(ledger.timeline(timmy, 0)).toEqual([{ atMs: 1_999, state: 'late' }])
        expect(ledger.timeline({ kind: 'agent', id: 'a39' }, 0)).toEqual([{ atMs: 1_999, state: 'down' }])
      })

      it('never gives the number of something that is forgotten again', async () => {
        await ledger.write([incident(3, { closedMs: 5 }), alert('a')])
        await ledger.upkeep(1_000)
        expect(ledger.nextNumber('incident')).toBe(4)
        await ledger.write([alert('b', 2_000)])
        expect(ids(ledger.untold('tower', 9))).toEqual(['b'])
      })
    })

    describe('that is closed', () => {
      it('takes and gives nothing more, and may be closed twice', async () => {
        const last = ledger.write([alert('last')])
        const closed = ledger.close()
        await ledger.close()
        await last
        await closed
        expect(() => ledger.remembered()).toThrow(LedgerError)
        await expect(ledger.write([alert('more')])).rejects.toThrow(LedgerError)
        await expect(ledger.upkeep(1)).rejects.toThrow(LedgerError)
      })
    })
  })
}
