import type { Acknowledgement, Incident } from '../domain/incident.ts'
import type { CheckedArguments, Operation, OperationContext, Outcome } from './operation.ts'
import { durationOf, openIncident, sayAck, sayHold, saySubject } from './saying.ts'

export const ack: Operation = {
  name: 'ack',
  aliases: ['acknowledge'],
  summary: 'Say that you look after an incident',
  help: 'Everybody hears of it, and nobody is reminded of the incident any more. It holds until the state of its agent or host changes; "sticky" holds until the incident is over. A duration bounds both: then the reminders go on. Its end is told in any case.',
  arguments: [
    { name: 'incident', kind: 'incident', required: true, help: 'its number, or the agent or host that has it' },
    { name: 'kind', kind: 'choice', words: ['sticky'], required: false, help: 'hold until it is over' },
    { name: 'duration', kind: 'duration', required: false, help: 'hold no longer than that' },
    { name: 'comment', kind: 'text', required: false, help: 'what the others may want to know' },
  ],
  examples: ['ack bezalel', 'ack 12 2h', 'ack 12 sticky I am on it'],
  effect: 'acts',
  role: 'operate',
  answeredBy: 'watch',
  deadlineMs: 15_000,

  async plan(args, context) {
    const found = openIncident(args['incident'] ?? '', context)
    if ('refusal' in found) return { status: 'refused', lines: [found.refusal] }
    const nowMs = context.clock.now()
    const { incident } = found
    return {
      status: 'ok',
      lines: [
        `#${incident.number} (${saySubject(incident.subject)}) would be acknowledged ${sayHold(toAcknowledgement(args, context), nowMs)}`,
        ...(incident.ack ? [`Now it is acknowledged ${sayAck(incident.ack, nowMs)}`] : []),
      ],
      data: { incident: incident.number },
    }
  },

  async run(args, context) {
    const found = openIncident(args['incident'] ?? '', context)
    if ('refusal' in found) return { status: 'refused', lines: [found.refusal] }
    const acknowledgement = toAcknowledgement(args, context)
    const nowMs = acknowledgement.atMs
    const { incident } = found
    await context.amend([{ ...incident, ack: acknowledgement }])
    return {
      status: 'ok',
      lines: [
        `#${incident.number} (${saySubject(incident.subject)}) is acknowledged ${sayHold(acknowledgement, nowMs)}`,
        ...(incident.ack ? [`Before, it was acknowledged ${sayAck(incident.ack, nowMs)}`] : []),
        `To take it back, type: unack ${incident.number}`,
      ],
      data: { incident: incident.number },
    }
  },
}

function toAcknowledgement(args: CheckedArguments, { actor, clock }: OperationContext): Acknowledgement {
  const nowMs = clock.now()
  const durationMs = durationOf(args)
  const comment = args['comment']
  return {
    kind: args['kind'] === 'sticky' ? 'sticky' : 'normal',
    by: actor,
    atMs: nowMs,
    ...(durationMs !== undefined && { untilMs: nowMs + durationMs }),
    ...(comment !== undefined && { comment }),
  }
}

export const unack: Operation = {
  name: 'unack',
  aliases: [],
  summary: 'Take back that somebody looks after an incident',
  help: 'The reminders of the incident go on.',
  arguments: [{ name: 'incident', kind: 'incident', required: true, help: 'its number, or the agent or host that has it' }],
  examples: ['unack bezalel', 'unack 12'],
  effect: 'acts',
  role: 'operate',
  answeredBy: 'watch',
  deadlineMs: 15_000,

  async plan(args, context) {
    const found = acknowledged(args, context)
    if ('status' in found) return found
    const { former, rest, who } = found
    return {
      status: 'ok',
      lines: [`${who} would no longer be acknowledged (it is ${sayAck(former, context.clock.now())}).`],
      data: { incident: rest.number },
    }
  },

  async run(args, context) {
    const found = acknowledged(args, context)
    if ('status' in found) return found
    const { former, rest, who } = found
    await context.amend([rest satisfies Incident])
    return {
      status: 'ok',
      lines: [`${who} is no longer acknowledged (it was ${sayAck(former, context.clock.now())}).`],
      data: { incident: rest.number },
    }
  },
}

function acknowledged(
  args: CheckedArguments,
  context: OperationContext,
): { former: Acknowledgement; rest: Incident; who: string } | Outcome {
  const found = openIncident(args['incident'] ?? '', context)
  if ('refusal' in found) return { status: 'refused', lines: [found.refusal] }
  const { ack: former, ...rest } = found.incident
  const who = `#${rest.number} (${saySubject(rest.subject)})`
  if (!former) return { status: 'refused', lines: [`${who} is not acknowledged. To do that, type: ack ${rest.number}`] }
  return { former, rest, who }
}
