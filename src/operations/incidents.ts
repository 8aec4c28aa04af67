import { sayCause } from '../domain/alert.ts'
import { sayDuration } from '../domain/duration.ts'
import type { Incident } from '../domain/incident.ts'
import { asIs, type Column, lay } from './layout.ts'
import type { CheckedArguments, Operation, OperationContext } from './operation.ts'
import { sayAck, sayMute, saySubject } from './saying.ts'

const shown = 20
const stillOpen = 'still open'
const columns: Column[] = [
  { name: 'number', place: 'title' },
  { name: 'who', place: 'title' },
  { name: 'why', least: 12, say: asIs },
  { name: 'began' },
  { name: 'lasted', say: (cell) => (cell === stillOpen ? cell : `lasted ${cell}`) },
]

export const incidents: Operation = {
  name: 'incidents',
  aliases: [],
  summary: 'What went wrong, newest first',
  help: 'The last incidents: number, who, why, since when, how long. Open ones come first, with who looks after them and what keeps them quiet. With "open": only those.',
  arguments: [
    { name: 'subject', kind: 'agent-or-host', required: false, help: 'only those of this agent or host' },
    { name: 'only', kind: 'choice', words: ['open'], required: false, help: 'only those that are not over' },
  ],
  examples: ['incidents', 'incidents open', 'incidents ezra'],
  effect: 'sees',
  role: 'see',
  answeredBy: 'watch',
  deadlineMs: 10_000,

  async run(args, context) {
    const nowMs = context.clock.now()
    const found = find(args, context)
    const data = { incidents: found.map((incident) => incidentData(incident, context, nowMs)) }
    if (found.length === 0) return { status: 'ok', lines: [noneSentence(args)], data }
    const rows = found.map((incident) => [
      `#${incident.number}`,
      saySubject(incident.subject),
      sayCause(incident.cause),
      `${sayDuration(nowMs - incident.openedMs)} ago`,
      incident.closedMs === undefined ? stillOpen : sayDuration(incident.closedMs - incident.openedMs),
    ])
    const open = found.filter(({ closedMs }) => closedMs === undefined)
    const toAck = open.find((incident) => !incident.ack)
    return {
      status: 'ok',
      lines: [
        ...lay(columns, rows, context.screen),
        ...open.flatMap((incident) => notes(incident, context, nowMs)),
        ...(toAck ? [`To say that you look after one, type: ack ${toAck.number}`] : []),
      ],
      data,
    }
  },
}

/** What memory knows goes before what the ledger holds: there it may be written only later. */
function find(args: CheckedArguments, context: OperationContext): Incident[] {
  const subject = args['subject']
  const isMeant = (incident: Incident) =>
    (subject === undefined || incident.subject.id === subject) && (args['only'] !== 'open' || incident.closedMs === undefined)
  const known = new Map(context.incidents().map((incident) => [incident.number, incident]))
  const written = context.ledger.incidents({ limit: shown, ...(subject !== undefined && { subject }) })
  const found = [...written.filter(({ number }) => !known.has(number)), ...known.values()].filter(isMeant)
  const isOpen = ({ closedMs }: Incident) => (closedMs === undefined ? 1 : 0)
  return found.sort((a, b) => isOpen(b) - isOpen(a) || b.number - a.number).slice(0, shown)
}

function noneSentence({ subject, only }: CheckedArguments): string {
  const whose = subject === undefined ? '' : ` of ${subject}`
  return only === 'open' ? `No open incident${whose}.` : `No incident${whose} so far.`
}

function notes(incident: Incident, context: OperationContext, nowMs: number): string[] {
  const mute = context.mutes.of(incident.subject, nowMs)
  const said = [
    ...(incident.detail === undefined ? [] : [incident.detail]),
    ...(incident.ack ? [`acknowledged ${sayAck(incident.ack, nowMs)}`] : []),
    ...(mute ? [`kept quiet by ${sayMute(mute, nowMs)}`] : []),
    ...(incident.flapping ? ['flapping: it stays open until that has been stable for a while'] : []),
  ]
  return said.map((text) => `#${incident.number}: ${text}`)
}

function incidentData(incident: Incident, context: OperationContext, nowMs: number) {
  const mute = incident.closedMs === undefined ? context.mutes.of(incident.subject, nowMs) : undefined
  return {
    number: incident.number,
    ...(incident.subject.kind === 'host' ? { host: incident.subject.id } : { agent: incident.subject.id }),
    cause: incident.cause,
    ...(incident.detail !== undefined && { detail: incident.detail }),
    openedAt: new Date(incident.openedMs).toISOString(),
    noticedAt: new Date(incident.noticedMs).toISOString(),
    ...(incident.closedMs !== undefined && {
      closedAt: new Date(incident.closedMs).toISOString(),
      durationMs: Math.round(incident.closedMs - incident.openedMs),
    }),
    ...(incident.ack && {
      acknowledged: {
        by: incident.ack.by.name,
        at: new Date(incident.ack.atMs).toISOString(),
        isSticky: incident.ack.kind === 'sticky',
        ...(incident.ack.untilMs !== undefined && { until: new Date(incident.ack.untilMs).toISOString() }),
        ...(incident.ack.comment !== undefined && { comment: incident.ack.comment }),
      },
    }),
    ...(mute && { mute: mute.number }),
    ...(incident.flapping && { isFlapping: true }),
  }
}
