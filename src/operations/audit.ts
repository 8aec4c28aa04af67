import { resolve } from '../domain/arguments.ts'
import { type AuditEntry, sayAsked } from '../domain/audit.ts'
import { sayUnresolved } from '../domain/did-you-mean.ts'
import { sayDuration } from '../domain/duration.ts'
import type { ArgumentDeclaration } from '../domain/operation.ts'
import { asIs, type Column, lay } from './layout.ts'
import type { Operation, OperationContext, Outcome } from './operation.ts'

const shown = 20
/** Each has a beginning and an end. */
const mostEntries = 2 * shown
const columns: Column[] = [
  { name: 'number', place: 'title' },
  { name: 'when', least: 10, say: asIs },
  { name: 'who', least: 8, say: (who) => `by ${who}` },
  { name: 'result', place: 'title' },
  { name: 'what', least: 20, say: asIs },
]

export const audit: Operation = {
  name: 'audit',
  aliases: [],
  summary: 'Who asked for what, and what came of it, newest first',
  help: 'Everything that changes something, or would have: who asked for it, from where, why, and what came of it, dry runs and refusals, too. With an agent or a host: what was about it. With a number: that one in full. Each entry holds the hash of the one before it; "towerwatch audit --verify" in a shell checks them all.',
  arguments: [{ name: 'about', kind: 'word', required: false, help: 'an agent or a host by its id, or the number of an operation' }],
  examples: ['audit', 'audit bezalel', 'audit 12'],
  effect: 'sees',
  role: 'operate',
  answeredBy: 'watch',
  deadlineMs: 10_000,

  async run(args, context) {
    const about = (args['about'] ?? '').toLowerCase()
    if (/^#?[0-9]{1,12}$/.test(about)) return one(Number(about.replace('#', '')), context)
    if (about === '') return list(undefined, context)
    const subject: ArgumentDeclaration = { name: 'about', kind: 'agent-or-host', required: true, help: '' }
    const found = resolve(subject, about, context.config)
    if ('value' in found) return list(found.value, context)
    return { status: 'refused', lines: [sayUnresolved(subject, found)], isWrongInput: true }
  },
}

function list(subject: string | undefined, { clock, ledger, screen }: OperationContext): Outcome {
  const entries = ledger.audit({ limit: mostEntries, ...(subject !== undefined && { subject }) })
  // Of each operation its newest entry.
  const last = [...new Map([...entries].reverse().map((entry) => [entry.number, entry])).values()]
  const newest = last.sort((a, b) => b.seq - a.seq).slice(0, shown)
  if (newest.length === 0) return { status: 'ok', lines: ['Nothing was asked for so far.'], data: { audit: [] } }
  const rows = newest.map((entry) => [
    String(entry.number),
    `${sayDuration(clock.now() - entry.atMs)} ago`,
    entry.actor.name,
    entry.isDryRun ? `${entry.event} (dry)` : entry.event,
    sayAsked(entry),
  ])
  return {
    status: 'ok',
    lines: [...lay(columns, rows, screen), 'For one in full, type: audit and its number'],
    data: { audit: newest.map(toData) },
  }
}

function one(number: number, { ledger, clock }: OperationContext): Outcome {
  const entries = ledger.audit({ number, limit: shown }).reverse()
  const [first] = entries
  if (!first) return { status: 'refused', lines: [`Nothing of number ${number} is in the audit. To see what is, type: audit`] }
  const from = first.actor.from === undefined ? '' : `, from ${first.actor.from}`
  return {
    status: 'ok',
    lines: [
      `${number}: ${sayAsked(first)}${first.isDryRun ? ' (a dry run)' : ''}`,
      `asked for by ${first.actor.name} (${first.actor.kind} ${first.actor.id}) via ${first.via}${from}`,
      ...(first.why === undefined ? [] : [`because: ${first.why}`]),
      ...(first.partOf === undefined ? [] : [`a part of ${first.partOf}`]),
      ...entries.flatMap((entry) => [
        `entry ${entry.seq}, ${sayDuration(clock.now() - entry.atMs)} ago: ${entry.event}${entry.confirmedBy ? `, confirmed by ${entry.confirmedBy.name} (${entry.confirmedBy.kind} ${entry.confirmedBy.id})` : ''}`,
        ...entry.lines.map((line) => `  ${line}`),
      ]),
    ],
    data: { audit: entries.map(toData) },
  }
}

function toData({ atMs, ...entry }: AuditEntry) {
  return { ...entry, at: new Date(atMs).toISOString() }
}
