import { sayDuration } from '../domain/duration.ts'
import type { CheckedArguments, Operation, OperationContext, Outcome } from './operation.ts'
import { durationOf } from './saying.ts'

export const pause: Operation = {
  name: 'pause',
  aliases: [],
  summary: 'Stop judging an agent for a while',
  help: 'It is not called late or down, nothing is told of it, and the watch does not restart it by itself. The time does not count for uptime. Its process is left alone. Without a duration it stays paused until somebody types resume.',
  arguments: [
    { name: 'agent', kind: 'agent', required: true, help: 'the agent to pause' },
    { name: 'duration', kind: 'duration', required: false, help: 'for how long, like 30m, 2h or 1d; 30d at most' },
    { name: 'reason', kind: 'text', required: true, help: 'why; everybody can read it' },
  ],
  examples: ['pause ezra learning a new model', 'pause ezra 2h learning a new model'],
  effect: 'acts',
  role: 'operate',
  answeredBy: 'watch',
  deadlineMs: 15_000,

  async plan(args, context) {
    const id = args['agent'] ?? ''
    const former = context.agent(id)?.facts.paused?.by.person
    return {
      status: 'ok',
      lines: [
        `${id} would be paused ${howLong(args)}: ${args['reason'] ?? ''}.`,
        ...(former ? [`It is paused already: ${former.reason}.`] : []),
      ],
      data: { agent: id },
    }
  },

  async run(args, context) {
    const id = args['agent'] ?? ''
    const reason = args['reason'] ?? ''
    const nowMs = context.clock.now()
    const durationMs = durationOf(args)
    const former = context.agent(id)?.facts.paused?.by.person
    context.observe(id, { kind: 'paused', by: 'person', reason, ...(durationMs !== undefined && { untilMs: nowMs + durationMs }) })
    return {
      status: 'ok',
      lines: [
        `${id} is paused ${howLong(args)}: ${reason}.`,
        ...(former ? [`It was paused already: ${former.reason}.`] : []),
        `To end that early, type: resume ${id}`,
      ],
      data: { agent: id, ...(durationMs !== undefined && { until: new Date(nowMs + durationMs).toISOString() }) },
    }
  },
}

function howLong(args: CheckedArguments): string {
  const durationMs = durationOf(args)
  return durationMs === undefined ? 'until somebody resumes it' : `for ${sayDuration(durationMs)}`
}

export const resume: Operation = {
  name: 'resume',
  aliases: ['unpause'],
  summary: 'Judge a paused agent again',
  help: 'Ends what pause began. An agent that fleet.yaml or a marker file beside its heartbeat pauses stays so; the answer says which.',
  arguments: [{ name: 'agent', kind: 'agent', required: true, help: 'the agent to judge again' }],
  examples: ['resume ezra'],
  effect: 'acts',
  role: 'operate',
  answeredBy: 'watch',
  deadlineMs: 15_000,

  async plan(args, context) {
    const id = args['agent'] ?? ''
    const { others, refusal } = pausesOf(id, context)
    if (refusal) return refusal
    const isPaused = others.length > 0
    return { status: 'ok', lines: [`${id} would ${isPaused ? 'still' : 'no longer'} be paused.`, ...others], data: { agent: id, isPaused } }
  },

  async run(args, context) {
    const id = args['agent'] ?? ''
    const { others, refusal } = pausesOf(id, context)
    if (refusal) return refusal
    context.observe(id, { kind: 'resumed', by: 'person' })
    if (others.length > 0) return { status: 'ok', lines: [`${id} is still paused.`, ...others], data: { agent: id, isPaused: true } }
    return { status: 'ok', lines: [`${id} is no longer paused.`], data: { agent: id, isPaused: false } }
  },
}

/** What else pauses it, each with its remedy; and a refusal where no person did. */
function pausesOf(id: string, context: OperationContext): { others: string[]; refusal?: Outcome } {
  const by = context.agent(id)?.facts.paused?.by ?? {}
  const others = [
    ...(by.config ? [`fleet.yaml pauses it (${by.config.reason}): take "paused" out there and let the watch read it again (SIGHUP).`] : []),
    ...(by.marker ? [`A marker file beside its heartbeat pauses it (${by.marker.reason}): remove that file.`] : []),
  ]
  if (by.person) return { others }
  const why = others.length === 0 ? [`${id} is not paused.`] : [`${id} was not paused by a person.`, ...others]
  return { others, refusal: { status: 'refused', lines: why } }
}
