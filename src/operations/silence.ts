import { sayDuration } from '../domain/duration.ts'
import type { Mute } from '../domain/incident.ts'
import { nearest } from '../domain/nearest.ts'
import { asIs, type Column, lay } from './layout.ts'
import type { CheckedArguments, Operation, OperationContext, Outcome } from './operation.ts'
import { durationOf, findMute, muteData, saySubject, sayWhen, toSubject } from './saying.ts'

const quietly = [
  { name: 'subject', kind: 'subject', required: true, help: 'an agent, a host with all its agents, or all' },
  { name: 'duration', kind: 'duration', required: true, help: 'for how long, like 30m, 2h or 1d; 30d at most' },
  { name: 'reason', kind: 'text', required: true, help: 'why; everybody can read it' },
] as const

export const silence: Operation = {
  name: 'silence',
  aliases: [],
  summary: 'Tell no problems of an agent or host for a while',
  help: 'What happens is watched and written down as ever, and counts for uptime, but no problem is told and nobody is reminded. That a problem is over is told all the same, where the problem was. A problem that outlasts the silence is told at its end. An agent and its host may bear the same name: "host ezra" is the host.',
  arguments: [...quietly],
  examples: ['silence all 30m moving to the new switch', 'silence host ezra 1d broken fan', 'silence ezra 2h disk is being swapped'],
  effect: 'acts',
  role: 'operate',
  answeredBy: 'watch',
  deadlineMs: 15_000,
  roleForAll: 'admin',
  plan: async (args) => planned('silence', args),
  run: (args, context) => begin('silence', args, context),
}

export const maintenance: Operation = {
  name: 'maintenance',
  aliases: [],
  summary: 'Like silence, for work that is meant to be done',
  help: 'Like silence. Besides, the time does not count for uptime, and the watch restarts nothing there by itself. To end it early: unsilence, with its number.',
  arguments: [...quietly],
  examples: ['maintenance all 30m new kernel', 'maintenance ezra 2h disk is being swapped'],
  effect: 'acts',
  role: 'operate',
  answeredBy: 'watch',
  deadlineMs: 15_000,
  roleForAll: 'admin',
  plan: async (args) => planned('maintenance', args),
  run: (args, context) => begin('maintenance', args, context),
}

function planned(kind: Mute['kind'], args: CheckedArguments): Outcome {
  const who = saySubject(toSubject(args['subject'] ?? ''))
  const howLong = sayDuration(durationOf(args) ?? 0)
  const would = kind === 'silence' ? `No problem of ${who} would be told for ${howLong}` : `${who} would be in maintenance for ${howLong}`
  return { status: 'ok', lines: [`${would}: ${args['reason'] ?? ''}.`] }
}

async function begin(kind: Mute['kind'], args: Readonly<Record<string, string>>, context: OperationContext): Promise<Outcome> {
  const fromMs = context.clock.now()
  const durationMs = durationOf(args) ?? 0
  const subject = toSubject(args['subject'] ?? '')
  const mute = await context.mutes.add({
    kind,
    subject,
    fromMs,
    toMs: fromMs + durationMs,
    reason: args['reason'] ?? '',
    by: context.actor,
  })
  const who = saySubject(subject)
  const isIn =
    kind === 'silence'
      ? `No problem of ${who} is told for ${sayDuration(durationMs)}`
      : `${who} is in maintenance for ${sayDuration(durationMs)}`
  return {
    status: 'ok',
    lines: [`${isIn}: ${mute.reason}.`, `This is ${kind} ${mute.number}. To end it early, type: unsilence ${mute.number}`],
    data: muteData(mute, fromMs),
  }
}

const columns: Column[] = [
  { name: 'number', place: 'title' },
  { name: 'kind', place: 'title' },
  { name: 'who', place: 'title' },
  { name: 'how long', say: asIs },
  { name: 'why', least: 12, say: asIs },
]

export const silences: Operation = {
  name: 'silences',
  aliases: [],
  summary: 'Silences and maintenance, in force and to come',
  help: 'With their numbers, which unsilence wants. Also the maintenance that fleet.yaml declares.',
  arguments: [],
  examples: ['silences'],
  effect: 'sees',
  role: 'see',
  answeredBy: 'watch',
  deadlineMs: 10_000,

  async run(_args, context) {
    const nowMs = context.clock.now()
    const found = context.mutes.list(nowMs)
    const data = { silences: found.map((mute) => muteData(mute, nowMs)) }
    if (found.length === 0) {
      return { status: 'ok', lines: ['Nobody is silenced or in maintenance. To begin, type: silence ezra 2h and why'], data }
    }
    const rows = found.map((mute) => [
      String(mute.number),
      mute.kind,
      saySubject(mute.subject),
      sayWhen(mute, nowMs),
      `${mute.reason} (${mute.by.name})`,
    ])
    return {
      status: 'ok',
      lines: [...lay(columns, rows, context.screen), 'To end one early, type: unsilence and its number'],
      data,
    }
  },
}

export const unsilence: Operation = {
  name: 'unsilence',
  aliases: ['end-maintenance'],
  summary: 'End a silence or maintenance early',
  help: 'By its number, which silences shows. What is still open there is told at once.',
  arguments: [{ name: 'number', kind: 'number', required: true, help: 'of the silence or maintenance' }],
  examples: ['unsilence 3'],
  effect: 'acts',
  role: 'operate',
  answeredBy: 'watch',
  deadlineMs: 15_000,

  async plan(args, context) {
    const nowMs = context.clock.now()
    const mute = findMute(context.mutes, args['number'] ?? '', nowMs)
    if (!mute) return noMute(args, context.mutes.list(nowMs))
    return { status: 'ok', lines: [`${sayMute(mute)} would end: ${mute.reason} (${mute.by.name}).`], data: { number: mute.number } }
  },

  async run(args, context) {
    const nowMs = context.clock.now()
    const mute = findMute(context.mutes, args['number'] ?? '', nowMs)
    if (!mute) return noMute(args, context.mutes.list(nowMs))
    await context.mutes.end(mute.number, nowMs)
    return { status: 'ok', lines: [sayEnd(mute, nowMs)], data: { number: mute.number } }
  },
}

function noMute(args: CheckedArguments, mutes: readonly Mute[]): Outcome {
  const number = nearest(
    args['number'] ?? '',
    mutes.map((mute) => String(mute.number)),
  )
  const near = mutes.find((mute) => String(mute.number) === number)
  const what = near ? `Did you mean ${number} (${near.kind} of ${saySubject(near.subject)})?` : 'To see them, type: silences'
  return {
    status: 'refused',
    lines: [`No silence or maintenance ${args['number']} is in force or to come. ${what}`],
  }
}

/** "Silence 3 of ezra ends 1 h early: disk is being swapped (ada)." */
function sayEnd(mute: Mute, nowMs: number): string {
  const how = mute.fromMs > nowMs ? `, ${sayWhen(mute, nowMs)}, is called off` : ` ends ${sayDuration(mute.toMs - nowMs)} early`
  return `${sayMute(mute)}${how}: ${mute.reason} (${mute.by.name}).`
}

function sayMute({ kind, number, subject }: Mute): string {
  return `${kind === 'silence' ? 'Silence' : 'Maintenance'} ${number} of ${saySubject(subject)}`
}
