import { sayCause } from '../domain/alert.ts'
import { budgetOf, burnRate, runsOutMs } from '../domain/budget.ts'
import { sayDuration } from '../domain/duration.ts'
import type { Screen } from '../domain/operation.ts'
import { dayMs, daysInARow, windowDays } from '../domain/phase.ts'
import { addTallies, availability, bounds, coverage, downBy, type Span, type Tally, tally } from '../domain/uptime.ts'
import { type Account, openAccounts } from './accounts.ts'
import { inPieces } from './in-pieces.ts'
import { asIs, type Column, lay } from './layout.ts'
import type { Operation, OperationContext } from './operation.ts'
import { toSubject } from './saying.ts'
import { cut } from './table.ts'

/** One screen; with the worst first, nobody who matters is left out. */
const shown = 30
const windowMs = windowDays * dayMs

export const uptime: Operation = {
  name: 'uptime',
  aliases: [],
  summary: 'How much of the last 30 days agents and hosts were up',
  help: 'Up is the share of the time that was seen; seen is how much of it that was, leaving out pauses and maintenance. What nobody saw counts as neither up nor down, so the true figure lies between two bounds. The budget is the time that may be down and still reach the target (36 h in 30 days at 95 %). Days are those in a row, up to yesterday, with 95 % and more. For one agent or host: also why it was down, and when the budget is gone if things go on like this.',
  arguments: [{ name: 'subject', kind: 'subject', required: false, help: 'an agent, a host, or all' }],
  examples: ['uptime', 'uptime ezra', 'uptime host ezra'],
  effect: 'sees',
  role: 'see',
  answeredBy: 'watch',
  deadlineMs: 20_000,

  async run(args, context) {
    const subject = toSubject(args['subject'] ?? 'all')
    const measure = measurer(context)
    const of = (kind: string) => (subject.kind === 'fleet' ? undefined : subject.kind === kind ? subject.id : '')
    const asked = [...context.config.agents.values()].filter(({ id }) => id === (of('agent') ?? id))
    const agents = await inPieces(asked, measure.agent)
    const askedHosts = [...context.config.hosts.keys()].filter((id) => id === (of('host') ?? id))
    const hosts = await inPieces(askedHosts, measure.host)
    if (subject.kind === 'fleet') {
      const fleet = measure.sum('the fleet', agents)
      return {
        status: 'ok',
        lines: tables(fleet, agents, hosts, context.screen),
        data: {
          fleet: figures(fleet),
          agents: agents.map((agent) => ({ agent: agent.id, ...figures(agent) })),
          hosts: hosts.map((host) => ({ host: host.id, ...figures(host) })),
        },
      }
    }
    const [one] = [...agents, ...hosts]
    if (!one) return { status: 'refused', lines: [`There is no ${subject.kind} "${subject.id}".`] }
    return { status: 'ok', lines: details(one, context), data: { [subject.kind]: one.id, ...figures(one) } }
  },
}

interface Measured {
  id: string
  who: string
  sum: Tally
  causes: { cause: string; ms: number }[]
  budget: ReturnType<typeof budgetOf>
  /** Over the last hour. */
  burnRate: number | undefined
  runsOutMs?: number
  daysInARow: number
  /** Of each complete day, the newest first. */
  daySums: Tally[]
}

function measurer(context: OperationContext) {
  const nowMs = context.clock.now()
  const { target } = context.config
  const days = context.daysBefore(nowMs, windowDays)
  const window: Span = { fromMs: nowMs - windowMs, toMs: nowMs }
  // The oldest day may begin before the window.
  const accounts = openAccounts(context.ledger, Math.min(window.fromMs, days.at(-1)?.fromMs ?? nowMs))

  function measure(id: string, who: string, { timeline, grounds }: Account): Measured {
    const over = (span: Span) => tally(timeline, span.fromMs, span.toMs, grounds)
    const sum = over(window)
    const goneMs = runsOutMs(timeline, grounds, nowMs, target, windowMs)
    const daySums = days.map(over)
    return {
      id,
      who,
      sum,
      causes: downBy(timeline, window.fromMs, window.toMs, grounds),
      budget: budgetOf(sum, target, windowMs),
      burnRate: burnRate(over({ fromMs: nowMs - 3_600_000, toMs: nowMs }), target),
      ...(goneMs !== undefined && { runsOutMs: goneMs }),
      daysInARow: daysInARow(daySums),
      daySums,
    }
  }

  return {
    agent: (agent: { id: string; host: string }) => measure(agent.id, agent.id, accounts.agent(agent)),
    host: (id: string) => measure(id, `host ${id}`, accounts.host(id)),
    /** All of them as one: its budget is that of all. */
    sum: (who: string, parts: readonly Measured[]): Measured => {
      const sum = addTallies(parts.map((part) => part.sum))
      const daySums = days.map((_, index) => addTallies(parts.flatMap((part) => part.daySums[index] ?? [])))
      const causes = new Map<string, number>()
      for (const { cause, ms } of parts.flatMap((part) => part.causes)) causes.set(cause, (causes.get(cause) ?? 0) + ms)
      return {
        id: '',
        who,
        sum,
        causes: [...causes].map(([cause, ms]) => ({ cause, ms })).sort((a, b) => b.ms - a.ms),
        budget: budgetOf(sum, target, windowMs * parts.length),
        burnRate: undefined,
        daysInARow: daysInARow(daySums),
        daySums,
      }
    },
  }
}

const columns: Column[] = [
  { name: 'who', place: 'title' },
  { name: 'up', say: (share) => `up ${share}` },
  { name: 'seen', drop: 2, say: (share) => `of ${share} seen` },
  { name: 'down' },
  { name: 'budget left' },
  { name: 'days', drop: 1, say: (days) => `${days} good days in a row` },
]
const times: Column[] = [
  { name: '', place: 'title' },
  { name: 'time', say: asIs },
  { name: 'share', say: asIs },
]

function tables(fleet: Measured, agents: readonly Measured[], hosts: readonly Measured[], screen: Screen | undefined): string[] {
  const worstFirst = [...agents].sort((a, b) => share(a) - share(b))
  const rest = agents.length - shown
  return [
    ...lay(
      columns,
      [fleet, ...worstFirst.slice(0, shown), ...[...hosts].sort((a, b) => share(a) - share(b)).slice(0, shown)].map(row),
      screen,
    ),
    ...(rest > 0 ? [`${rest} more agents that were up no less.`] : []),
    ...(hosts.length > shown ? [`${hosts.length - shown} more hosts.`] : []),
    `Over 30 days. For more about one of them, type: uptime ${worstFirst.find(({ id }) => id.length <= 22)?.id ?? 'and its name'}`,
  ]
}

/** Those of whom nothing was seen come last: there is nothing to be said of them. */
const share = ({ sum }: Measured) => availability(sum) ?? 2

function row({ who, sum, budget, daysInARow }: Measured): string[] {
  return [who, sayShare(availability(sum)), sayShare(coverage(sum)), sayTime(sum.downMs), sayLeft(budget.leftMs), String(daysInARow)]
}

function details(one: Measured, { config, clock, screen }: OperationContext): string[] {
  const { who, sum, causes, budget } = one
  const limits = bounds(sum)
  const target = `${Math.round(config.target * 100_000) / 1_000} %`
  const spent: [string, number][] = [
    ['up', sum.upMs],
    ['down', sum.downMs],
    ...causes.map(({ cause, ms }): [string, number] => [`  ${cause === '' ? 'for no known cause' : cut(sayCause(cause), 40)}`, ms]),
    ['not seen', sum.unknownMs],
    ['paused, maintenance', sum.excludedMs],
  ]
  if (!limits || availability(sum) === undefined) return [`Nothing was seen of ${who} in 30 days.`]
  return [
    `${who}, over 30 days: up ${sayShare(availability(sum))} of the ${sayShare(coverage(sum))} that was seen.`,
    `Had somebody seen all of it: between ${sayShare(limits.least)} and ${sayShare(limits.most)}.`,
    ...lay(
      times,
      spent.map(([name, ms]) => [name, sayTime(ms), sayShare(ms / windowMs)]),
      screen,
    ),
    `Budget at ${target}: ${sayTime(budget.usedMs)} of ${sayDuration(budget.totalMs)} used, ${sayLeft(budget.leftMs)}${budget.leftMs >= 0 ? ' left' : ''}.`,
    ...forecast(one, clock.now()),
    `Days in a row with 95 % and more: ${one.daysInARow} of ${windowDays}.`,
  ]
}

function forecast({ runsOutMs: atMs, budget, burnRate: rate }: Measured, nowMs: number): string[] {
  const pace =
    rate !== undefined && rate >= 0.1 ? [`In the last hour it was used ${rate.toFixed(1)} times as fast as the target allows.`] : []
  if (budget.leftMs <= 0) return pace
  return atMs === undefined ? pace : [...pace, `If it goes on like this, it is used up in ${sayDuration(atMs - nowMs)}.`]
}

/** Never rounded up: 99.999 % is not 100 %. */
function sayShare(value: number | undefined): string {
  return value === undefined ? '-' : `${(Math.floor(value * 10_000 + 1e-6) / 100).toFixed(2)} %`
}

const sayTime = (ms: number) => (ms === 0 ? '0' : sayDuration(ms))
const sayLeft = (ms: number) => (ms > 0 ? sayDuration(ms) : ms === 0 ? 'nothing' : `${sayDuration(-ms)} too much`)

/** For programs. */
function figures({ sum, causes, budget, burnRate: rate, runsOutMs: goneMs, daysInARow }: Measured) {
  return {
    ...sum,
    availability: availability(sum) ?? null,
    coverage: coverage(sum),
    bounds: bounds(sum) ?? null,
    downBy: Object.fromEntries(causes.map(({ cause, ms }) => [cause === '' ? 'unknown' : cause, ms])),
    budget: { ...budget, burnRate: rate ?? null, runsOutAt: goneMs === undefined ? null : new Date(goneMs).toISOString() },
    daysInARow,
  }
}
