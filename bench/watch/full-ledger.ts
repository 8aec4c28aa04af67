/** A ledger as a watch of 1,000 agents has it after 30 days: 6 changes of state a day each, an incident that was told, work and rest. */
import { openLedger } from '../../src/adapters/ledger/sqlite.ts'
import { newAgent } from '../../src/domain/agent.ts'
import type { Incident, LedgerFact, Subject } from '../../src/ports/ledger.ts'

export const agents = 1_000
export const days = 30
const dayMs = 86_400_000
const minuteMs = 60_000

export const agentId = (index: number): string => `agent-${index}`

/** A life for each agent: late and back one and a half times a day, down and back once a day, each told. */
export async function fillLedger(file: string): Promise<void> {
  const ledger = openLedger(file)
  const nowMs = Date.now()
  let number = 0
  for (let day = 0; day < days; day++) {
    const facts: LedgerFact[] = []
    for (let index = 0; index < agents; index++) {
      const subject: Subject = { kind: 'agent', id: agentId(index) }
      const dayStartMs = nowMs - (days - day) * dayMs + index * 53
      const change = (from: string, to: string, minute: number, cause?: string): void => {
        const atMs = dayStartMs + minute * minuteMs
        facts.push({
          kind: 'transition',
          subject,
          transition: { from, to, atMs, noticedMs: atMs + 900, lastBeatMs: atMs - 31_000, ...(cause !== undefined && { cause }) },
        })
      }
      change('up', 'late', 60)
      change('late', 'up', 61)
      change('up', 'late', 300)
      change('late', 'down', 303, 'silent')
      change('down', 'up', 309)
      change(day % 2 === 0 ? 'up' : 'late', day % 2 === 0 ? 'late' : 'up', day % 2 === 0 ? 1_430 : 5)
      facts.push(...told(subject, ++number, dayStartMs + 303 * minuteMs))
      for (const hour of [7, 11, 15, 20]) {
        const fromMs = dayStartMs + hour * 60 * minuteMs
        facts.push({ kind: 'activity', agent: subject.id, span: { fromMs, toMs: fromMs + 170 * minuteMs, busy: true } })
      }
    }
    await ledger.write(facts)
  }
  for (let index = 0; index < agents; index++) {
    const record = newAgent(nowMs - days * dayMs)
    record.facts.lastBeat = { atMs: nowMs, epoch: `${crypto.randomUUID()}:${index}`, pid: index, seq: 86_400, progress: 7, busy: true }
    await ledger.write([{ kind: 'agent', id: agentId(index), record }])
  }
  await ledger.write([{ kind: 'looking', mark: { atMs: nowMs, boot: '', bootMs: 0 } }])
  await ledger.close()
}

function told(subject: Subject, number: number, openedMs: number): LedgerFact[] {
  const closedMs = openedMs + 6 * minuteMs
  const [problem, recovery] = [crypto.randomUUID(), crypto.randomUUID()]
  const incident: Incident = {
    number,
    subject,
    cause: 'silent',
    openedMs,
    noticedMs: openedMs + 900,
    closedMs,
    told: { alertId: problem, atMs: openedMs + 1_000 },
    recoveryTold: { alertId: recovery, atMs: closedMs + 1_000 },
  }
  const subjects = [{ ...subject, host: 'vps1' }]
  const text = `${subject.id} is down: no heartbeat (last beat 3 min ago). To bring it back, type: restart ${subject.id}`
  return [
    { kind: 'incident', incident },
    { kind: 'alert', alert: { id: problem, kind: 'problem', subjects, incidents: [number], at: openedMs, text } },
    { kind: 'told', receiver: 'tower', alertId: problem, atMs: openedMs + 1_000 },
    { kind: 'alert', alert: { id: recovery, kind: 'recovery', subjects, incidents: [number], at: closedMs, text, durationMs: 360_000 } },
    { kind: 'told', receiver: 'tower', alertId: recovery, atMs: closedMs + 1_000 },
  ]
}
