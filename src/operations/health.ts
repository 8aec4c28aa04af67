import { sayCause } from '../domain/alert.ts'
import { sayDuration } from '../domain/duration.ts'
import { HostError } from '../ports/host.ts'
import { hostLines, hostsTable } from './health-pages.ts'
import type { Operation, OperationContext, Outcome } from './operation.ts'

/** Longer than the host itself gives its disks and services. */
const answerWithinMs = 10_000

export const health: Operation = {
  name: 'health',
  aliases: ['hp'],
  summary: 'How the hosts are: disks, memory, load, services',
  help: 'Without a name: every host, first what is not well. With a host: that host in detail: disks, services, who uses most. With an agent: its own state and its host. Answers at once from what the hosts said last, and says how old that is; with --now they are asked anew, and who does not answer is named.',
  arguments: [
    { name: 'subject', kind: 'agent-or-host', required: false, help: 'an agent or a host' },
    { name: 'now', kind: 'flag', required: false, help: 'asks the hosts now' },
  ],
  examples: ['health', 'health --now', 'health bezalel'],
  effect: 'sees',
  role: 'see',
  answeredBy: 'watch',
  deadlineMs: 15_000,

  async run(args, context) {
    const subject = args['subject']
    const agent = subject === undefined ? undefined : context.config.agents.get(subject)
    // An agent and its host may bear the same name: then both are told.
    const hosts = subject === undefined ? [...context.config.hosts.keys()] : [agent ? agent.host : subject]
    const unanswered = args['now'] === undefined ? [] : await askNow(hosts, context)
    const lines = [
      ...unanswered.map(({ host, why }) => `host ${host} did not answer: ${why.replace(/\.$/, '')}.`),
      ...(agent ? agentLines(agent.id, context) : []),
      ...(subject === undefined ? everyHost(context) : hosts.flatMap((id) => hostLines(id, context))),
    ]
    const data = {
      hosts: hosts.map((id) => hostData(id, context)),
      ...(agent && { agent: agentData(agent.id, context) }),
      ...(args['now'] !== undefined && { unanswered }),
    }
    const isAnswered = hosts.length === 0 || unanswered.length < hosts.length
    return { status: isAnswered ? 'ok' : 'failed', lines, data } satisfies Outcome
  },
}

/** Who did not answer, and why. */
async function askNow(hosts: readonly string[], context: OperationContext): Promise<{ host: string; why: string }[]> {
  context.progress(hosts.length === 1 ? `asking host ${hosts[0]}` : `asking ${hosts.length} hosts`)
  const answers = await Promise.all(hosts.map(async (host) => ({ host, why: await whyNoAnswer(host, context) })))
  return answers.flatMap(({ host, why }) => (why === undefined ? [] : [{ host, why }]))
}

async function whyNoAnswer(host: string, context: OperationContext): Promise<string | undefined> {
  const late = Promise.withResolvers<string>()
  const timer = context.clock.after(answerWithinMs, () => late.resolve(`nothing came back within ${sayDuration(answerWithinMs)}`))
  const asked = context.probe(host).then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof HostError) return error.message
      throw error
    },
  )
  try {
    return await Promise.race([asked, late.promise])
  } finally {
    timer.cancel()
  }
}

/** What is not well, in words; then all of them. */
function everyHost(context: OperationContext): string[] {
  const nowMs = context.clock.now()
  const hosts = [...context.config.hosts.keys()].map((id) => ({ id, status: context.host(id)?.status, seen: context.health(id) }))
  const lost = hosts.filter(({ status }) => status?.state === 'unreachable')
  const ill = hosts.filter(({ status, seen }) => status?.state !== 'unreachable' && (seen?.concerns.length ?? 0) > 0)
  const all = ill.flatMap(({ id, seen }) => (seen?.concerns ?? []).map((concern) => ({ id, ...concern })))
  const concerns = [...all.filter(({ level }) => level === 'critical'), ...all.filter(({ level }) => level === 'warn')]
  const bad = lost.length + ill.length
  return [
    bad === 0 ? 'No host is known to be unwell.' : `${bad} of ${hosts.length} hosts ${bad === 1 ? 'is' : 'are'} not well.`,
    ...lost.map(({ id, status }) => `${id}: unreachable${status?.cause === undefined ? '' : ` (${sayCause(status.cause)})`}.`),
    ...concerns.map(
      ({ id, level, text, sinceMs }) => `${id}: ${level === 'warn' ? 'warning' : level}: ${text}, for ${sayDuration(nowMs - sinceMs)}.`,
    ),
    ...hostsTable(hosts, nowMs, context.screen),
  ]
}

function agentLines(id: string, context: OperationContext): string[] {
  const record = context.agent(id)
  if (!record) return []
  const nowMs = context.clock.now()
  const { status, facts } = record
  const beat = facts.lastBeat
  const cause = status.cause === undefined ? '' : ` (${sayCause(status.cause)})`
  const fault = context.fault(id)
  return [
    `${id}: ${status.state}${cause} for ${sayDuration(nowMs - status.sinceMs)}, ${beat ? `last beat ${sayDuration(nowMs - beat.atMs)} ago` : 'no beat was ever seen'}.`,
    ...(fault === undefined ? [] : [`Heartbeat: ${fault}.`]),
  ]
}

function hostData(id: string, context: OperationContext) {
  const found = context.health(id)
  const nowMs = context.clock.now()
  return {
    id,
    state: context.host(id)?.status.state ?? 'new',
    ...(found && {
      probedAgoMs: Math.round(nowMs - found.atMs),
      concerns: found.concerns.map(({ check, level, text, sinceMs }) => ({ check, level, text, forMs: Math.round(nowMs - sinceMs) })),
      fullInMs: Object.fromEntries([...found.fullInMs].map(([mount, ms]) => [mount, ms === 'never' ? ms : Math.round(ms)])),
      health: found.health,
    }),
  }
}

function agentData(id: string, context: OperationContext) {
  const record = context.agent(id)
  const fault = context.fault(id)
  return {
    id,
    state: record?.status.state ?? 'new',
    ...(record?.facts.lastBeat && { beatAgeMs: Math.round(context.clock.now() - record.facts.lastBeat.atMs) }),
    ...(fault !== undefined && { fault }),
  }
}
