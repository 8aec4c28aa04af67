/** A ledger against the plainest thing that could be one: lists and maps in memory. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openLedger } from '../../../src/adapters/ledger/sqlite.ts'
import { newAgent } from '../../../src/domain/agent.ts'
import { subjectKey } from '../../../src/domain/incident.ts'
import type { AlertRecord, Incident, LedgerFact, Mute, OperationRecord, Subject, Transition } from '../../../src/ports/ledger.ts'
import { alertOf, incidentOf, muteOf, operationOf } from '../../support/ledger-facts.ts'

const runs = Number(process.env['TOWERWATCH_RUNS'] ?? 300)
const names = ['timmy', 'ezra', 'bezalel-2']
const receivers = ['tower', 'hook']
const subjects: Subject[] = [...names.map((id) => ({ kind: 'agent' as const, id })), { kind: 'host', id: 'timmy' }]

const ms = fc.integer({ min: 0, max: 40 })
const name = fc.constantFrom(...names)
const subject = fc.constantFrom(...subjects)
const span = fc.tuple(ms, ms).map(([a, b]) => ({ fromMs: Math.min(a, b), toMs: Math.max(a, b) }))
const number = fc.integer({ min: 1, max: 6 })
const word = fc.oneof(fc.string({ maxLength: 8 }), fc.string({ unit: 'binary', maxLength: 4 }))

const fact: fc.Arbitrary<LedgerFact> = fc.oneof(
  fc.record({ id: name, ms }).map(({ id, ms }): LedgerFact => ({ kind: 'agent', id, record: newAgent(ms) })),
  fc
    .record({ subject, atMs: ms, to: fc.constantFrom('up', 'late', 'down'), cause: word, lastBeatMs: fc.option(ms, { nil: undefined }) })
    .map(
      ({ subject, atMs, to, cause, lastBeatMs }): LedgerFact => ({
        kind: 'transition',
        subject,
        transition: { from: 'new', to, atMs, noticedMs: atMs + 1, cause, ...(lastBeatMs !== undefined && { lastBeatMs }) },
      }),
    ),
  fc.record({ number, subject, closedMs: fc.option(ms, { nil: undefined }), detail: word }).map(
    ({ number, subject, closedMs, detail }): LedgerFact => ({
      kind: 'incident',
      incident: incidentOf(number, { subject, detail, ...(closedMs !== undefined && { closedMs }) }),
    }),
  ),
  fc.record({ id: number, at: ms, text: word }).map(
    ({ id, at, text }): LedgerFact => ({
      kind: 'alert',
      alert: { ...alertOf(`alert-${id}`, at), text },
    }),
  ),
  fc.record({ receiver: fc.constantFrom(...receivers), id: number, atMs: ms }).map(
    ({ receiver, id, atMs }): LedgerFact => ({
      kind: 'told',
      receiver,
      alertId: `alert-${id}`,
      atMs,
    }),
  ),
  fc.record({ number, agent: name, status: fc.constantFrom('begun', 'ok'), requestedMs: ms }).map(
    ({ number, agent, ...more }): LedgerFact => ({
      kind: 'operation',
      operation: operationOf(number, { ...more, arguments: { agent } }),
    }),
  ),
  fc.record({ number, span }).map(({ number, span }): LedgerFact => ({ kind: 'mute', mute: muteOf(number, span.fromMs, span.toMs) })),
  fc.record({ agent: name, span, busy: fc.boolean() }).map(
    ({ agent, span, busy }): LedgerFact => ({
      kind: 'activity',
      agent,
      span: { ...span, busy },
    }),
  ),
  fc.record({ agent: name, span }).map(({ agent, span }): LedgerFact => ({ kind: 'proof', agent, ...span })),
  fc.record({ due: fc.constantFrom('2026-03-28T02:30', '2026-03-29T02:30'), startedMs: ms }).map(
    ({ due, startedMs }): LedgerFact => ({
      kind: 'run',
      run: { job: 'nightly', due, startedMs },
    }),
  ),
  fc.record({ name, value: word }).map(({ name, value }): LedgerFact => ({ kind: 'note', name, value })),
  fc.record({ agent: name, atMs: ms, epoch: word }).map(
    ({ agent, atMs, epoch }): LedgerFact => ({
      kind: 'beat',
      agent,
      beat: { atMs, epoch },
    }),
  ),
)

type Step = { kind: 'write'; facts: LedgerFact[] } | { kind: 'upkeep'; beforeMs: number } | { kind: 'look'; fromMs: number; limit: number }
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.array(fact, { maxLength: 6 }).map((facts): Step => ({ kind: 'write', facts })) },
  { weight: 1, arbitrary: ms.map((beforeMs): Step => ({ kind: 'upkeep', beforeMs })) },
  { weight: 4, arbitrary: fc.record({ fromMs: ms, limit: number }).map((look): Step => ({ kind: 'look', ...look })) },
)

/** The plain one. Its methods are named as those of the ledger. */
class Model {
  agents = new Map<string, LedgerFact>()
  beats = new Map<string, unknown>()
  moves: { subject: Subject; transition: Transition }[] = []
  incidentsByNumber = new Map<number, Incident>()
  alerts: AlertRecord[] = []
  /** Of alerts that are forgotten, too: their ids never come again in real life, but here they do. */
  told = new Map<string, number>()
  operationsByNumber = new Map<number, OperationRecord>()
  mutesByNumber = new Map<number, Mute>()
  spans = new Map<string, { agent: string; fromMs: number; toMs: number; busy: boolean }>()
  proved = new Map<string, { agent: string; fromMs: number; toMs: number }>()
  ran = new Map<string, { job: string; due: string; startedMs: number }>()
  notes = new Map<string, string>()

  write(fact: LedgerFact): void {
    if (fact.kind === 'agent') this.agents.set(fact.id, fact)
    else if (fact.kind === 'transition') this.moves.push(fact)
    else if (fact.kind === 'incident') this.incidentsByNumber.set(fact.incident.number, fact.incident)
    else if (fact.kind === 'operation') this.operationsByNumber.set(fact.operation.number, fact.operation)
    else if (fact.kind === 'mute') this.mutesByNumber.set(fact.mute.number, fact.mute)
    else if (fact.kind === 'activity') this.spans.set(`${fact.agent} ${fact.span.fromMs}`, { agent: fact.agent, ...fact.span })
    else if (fact.kind === 'proof') this.proved.set(`${fact.agent} ${fact.fromMs}`, fact)
    else if (fact.kind === 'run') this.ran.set(fact.run.due, fact.run)
    else if (fact.kind === 'note') this.notes.set(fact.name, fact.value)
    else if (fact.kind === 'beat') this.beats.set(fact.agent, fact.beat)
    else if (fact.kind === 'alert') {
      if (!this.alerts.some(({ id }) => id === fact.alert.id)) this.alerts.push(fact.alert)
    } else if (fact.kind === 'told') {
      const key = `${fact.receiver} ${fact.alertId}`
      if (!this.told.has(key)) this.told.set(key, fact.atMs)
    }
  }

  upkeep(beforeMs: number): void {
    for (const subject of subjects) {
      const kept = this.sorted(subject).findLast(({ transition }) => transition.atMs < beforeMs)
      this.moves = this.moves.filter(
        (move) => subjectKey(move.subject) !== subjectKey(subject) || move.transition.atMs >= beforeMs || move === kept,
      )
    }
    const drop = <Key, Value>(map: Map<Key, Value>, isOld: (value: Value, key: Key) => boolean) => {
      for (const [key, value] of map) if (isOld(value, key)) map.delete(key)
    }
    drop(this.incidentsByNumber, ({ closedMs }) => closedMs !== undefined && closedMs < beforeMs)
    drop(this.operationsByNumber, ({ requestedMs, status }) => requestedMs < beforeMs && status !== 'begun' && status !== 'waiting')
    drop(this.mutesByNumber, ({ toMs }) => toMs < beforeMs)
    drop(this.spans, ({ toMs }) => toMs < beforeMs)
    drop(this.proved, ({ toMs }) => toMs < beforeMs)
    this.alerts = this.alerts.filter(({ at }) => at >= beforeMs)
    drop(this.told, (atMs, key) => atMs < beforeMs && !this.alerts.some(({ id }) => key.endsWith(` ${id}`)))
    const newest = [...this.ran.keys()].sort().at(-1)
    drop(this.ran, ({ startedMs, due }) => startedMs < beforeMs && due !== newest)
  }

  sorted(subject: Subject) {
    const mine = this.moves.filter((move) => subjectKey(move.subject) === subjectKey(subject))
    return mine.sort((a, b) => a.transition.atMs - b.transition.atMs)
  }

  timeline(subject: Subject, fromMs: number) {
    const all = this.sorted(subject).map(({ transition: { atMs, to, cause } }) => ({ atMs, state: to, cause }))
    return [...all.filter(({ atMs }) => atMs < fromMs).slice(-1), ...all.filter(({ atMs }) => atMs >= fromMs)]
  }

  incidents(limit: number) {
    const isClosed = ({ closedMs }: Incident) => (closedMs === undefined ? 0 : 1)
    return [...this.incidentsByNumber.values()].sort((a, b) => isClosed(a) - isClosed(b) || b.number - a.number).slice(0, limit)
  }

  untold(receiver: string, limit: number, fromMs: number) {
    return this.alerts.filter(({ id, at }) => at >= fromMs && !this.told.has(`${receiver} ${id}`)).slice(0, limit)
  }

  operations(limit: number, sinceMs: number) {
    const all = [...this.operationsByNumber.values()].sort((a, b) => b.number - a.number)
    return all.filter(({ requestedMs }) => requestedMs >= sinceMs).slice(0, limit)
  }
}

describe('any sequence of facts', () => {
  it('is read back as a plain model in memory has it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const ledger = openLedger(':memory:')
        const model = new Model()
        for (const step of steps) {
          if (step.kind === 'write') {
            await ledger.write(step.facts)
            for (const fact of step.facts) model.write(fact)
          } else if (step.kind === 'upkeep') {
            await ledger.upkeep(step.beforeMs)
            model.upkeep(step.beforeMs)
          } else {
            const { fromMs, limit } = step
            for (const subject of subjects) expect(ledger.timeline(subject, fromMs)).toEqual(model.timeline(subject, fromMs))
            for (const receiver of receivers) {
              expect(ledger.untold(receiver, limit, fromMs)).toEqual(model.untold(receiver, limit, fromMs))
            }
            expect(ledger.incidents({ limit })).toEqual(model.incidents(limit))
            expect(ledger.operations({ limit, sinceMs: fromMs })).toEqual(model.operations(limit, fromMs))
            expect(await ledger.verifyAudit()).toMatchObject({ kind: 'whole' })
            expect(ledger.mutes(fromMs)).toEqual(
              [...model.mutesByNumber.values()].filter(({ toMs }) => toMs >= fromMs).sort((a, b) => a.number - b.number),
            )
          }
        }
        const known = ledger.remembered()
        expect([...known.agents].sort()).toEqual([...model.agents].map(([id, fact]) => [id, fact.kind === 'agent' && fact.record]).sort())
        expect(known.beats).toEqual(model.beats)
        const all = subjects.flatMap((subject) => model.sorted(subject).map(({ transition }) => ({ subject, ...transition })))
        const read = subjects.flatMap((subject) => ledger.transitions({ subject, fromMs: 0, toMs: 99, limit: 1_000 }))
        expect(read).toEqual(all)
        expect(ledger.transitions({ fromMs: 0, toMs: 99, limit: 1_000 })).toHaveLength(all.length)
        for (const agent of names) {
          const mine = <Span extends { agent: string; fromMs: number; toMs: number }>(spans: Map<string, Span>) =>
            [...spans.values()].filter((span) => span.agent === agent && span.toMs > 5).sort((a, b) => a.fromMs - b.fromMs)
          const bare = ({ fromMs, toMs }: { fromMs: number; toMs: number }) => ({ fromMs, toMs })
          expect(ledger.busySpans(agent, 5)).toEqual(
            mine(model.spans)
              .filter(({ busy }) => busy)
              .map(bare),
          )
          expect(ledger.proofs(agent, 5)).toEqual(mine(model.proved).map(bare))
          expect(ledger.note(agent)).toBe(model.notes.get(agent))
        }
        expect(ledger.lastRun('nightly')).toEqual([...model.ran.values()].sort((a, b) => (a.due < b.due ? -1 : 1)).at(-1))
        const highest = Math.max(0, ...steps.flatMap((step) => (step.kind === 'write' ? step.facts : [])).map(incidentNumber))
        expect(ledger.nextNumber('incident')).toBe(highest + 1)
        await ledger.close()
      }),
      { numRuns: runs },
    )
  })
})

function incidentNumber(fact: LedgerFact): number {
  return fact.kind === 'incident' ? fact.incident.number : 0
}
