/**
 * Who uses up the error budget too fast, or has used it up, is told: once at its beginning and once at its end, however the
 * rate goes up and down in between. What was told is kept in the ledger, so that a restart tells nothing again.
 */
import type { Config } from '../config/config.ts'
import { type BudgetNews, budgetOf, budgetSentence, burning, burnLookMs, runsOutMs } from '../domain/budget.ts'
import { type Subject, subjectKey } from '../domain/incident.ts'
import { dayMs, windowDays } from '../domain/phase.ts'
import { tally } from '../domain/uptime.ts'
import { type Accounts, openAccounts } from '../operations/accounts.ts'
import type { Clock } from '../ports/clock.ts'
import { type Ledger, LedgerError } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import type { Journal } from './journal.ts'
import type { Mutes } from './mutes.ts'
import type { Notifier } from './notifier.ts'
import type { Roster } from './roster.ts'

const checkEveryMs = 60_000
const windowMs = windowDays * dayMs
const atOnce = 20
const pauseMs = 10
const mostTransitions = 100_000
const nothing: BudgetNews = { burning: [], isSpent: false }

export interface BudgetPorts {
  roster: Pick<Roster, 'agent' | 'host' | 'on'>
  mutes: Pick<Mutes, 'of'>
  notifier: Pick<Notifier, 'notice'>
  journal: Pick<Journal, 'write'>
  ledger: Pick<Ledger, 'timeline' | 'transitions' | 'proofs' | 'mutes' | 'note'>
  clock: Clock
  log: Log
}

export function startBudgetWatch(config: () => Config, ports: BudgetPorts): { stop(): void } {
  const { roster, mutes, notifier, journal, ledger, clock, log } = ports
  const told = new Map<string, BudgetNews>()
  /** When somebody was last seen to fall: nobody else can burn. */
  const fellMs = new Map<string, number>()
  let isUnreadable = false
  let isBegun = false
  let next = clock.after(checkEveryMs, check)

  const off = roster.on((event) => {
    if (event.kind === 'transition' && isFall(event.transition)) fellMs.set(subjectKey(event.subject), clock.now())
  })

  function check(): void {
    if (!isBegun) isBegun = guarded(recall)
    look(isBegun ? subjects().filter(isWorthALook) : [])
  }

  function recall(): void {
    const nowMs = clock.now()
    for (const subject of subjects()) told.set(subjectKey(subject), remembered(subjectKey(subject)))
    const lately = ledger.transitions({ fromMs: nowMs - burnLookMs, toMs: nowMs, limit: mostTransitions })
    for (const { subject, ...transition } of lately) if (isFall(transition)) fellMs.set(subjectKey(subject), nowMs)
  }

  /** A few in one go: a fleet that is down as a whole must not keep the watch from watching. */
  function look(waiting: readonly Subject[]): void {
    const isRead = guarded(() => {
      const accounts = openAccounts(ledger, clock.now() - windowMs)
      for (const subject of waiting.slice(0, atOnce)) judge(subject, accounts)
    })
    const rest = isRead ? waiting.slice(atOnce) : []
    next = rest.length > 0 ? clock.after(pauseMs, () => look(rest)) : clock.after(checkEveryMs, check)
  }

  function guarded(read: () => void): boolean {
    try {
      read()
      isUnreadable = false
      return true
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      if (!isUnreadable) log.error({ err: error.message }, 'error budgets can not be read from the ledger')
      isUnreadable = true
      return false
    }
  }

  function subjects(): Subject[] {
    const { agents, hosts } = config()
    return [
      ...[...agents.keys()].map((id): Subject => ({ kind: 'agent', id })),
      ...[...hosts.keys()].map((id): Subject => ({ kind: 'host', id })),
    ]
  }

  function isWorthALook(subject: Subject): boolean {
    const key = subjectKey(subject)
    const { burning, isSpent } = told.get(key) ?? nothing
    if (burning.length > 0 || isSpent || clock.now() - (fellMs.get(key) ?? Number.NEGATIVE_INFINITY) <= burnLookMs) return true
    if (subject.kind === 'agent') return roster.agent(subject.id)?.status.state === 'down'
    return roster.host(subject.id)?.status.state === 'unreachable'
  }

  function judge(subject: Subject, accounts: Accounts): void {
    const nowMs = clock.now()
    const key = subjectKey(subject)
    const { target, agents } = config()
    const host = subject.kind === 'agent' ? (agents.get(subject.id)?.host ?? '') : ''
    const { timeline, grounds } = subject.kind === 'agent' ? accounts.agent({ id: subject.id, host }) : accounts.host(subject.id)
    const before = told.get(key) ?? nothing
    const budget = budgetOf(tally(timeline, nowMs - windowMs, nowMs, grounds), target, windowMs)
    const now = { burning: burning(timeline, grounds, nowMs, target, before.burning), isSpent: budget.leftMs <= 0 }
    const goneMs = runsOutMs(timeline, grounds, nowMs, target, windowMs)
    const who = subject.kind === 'host' ? `host ${subject.id}` : subject.id
    const text = budgetSentence(who, before, now, budget, goneMs === undefined ? undefined : goneMs - nowMs)
    // What a person keeps quiet is told when that is over, if it still holds.
    if (text !== undefined && mutes.of(subject, nowMs)) return
    if (text !== undefined) {
      log.warn({ [subject.kind]: subject.id, leftMs: budget.leftMs }, text)
      notifier.notice({ subjects: [subject], text })
    }
    told.set(key, now)
    if (JSON.stringify(now) !== JSON.stringify(before))
      void journal.write([{ kind: 'note', name: `budget ${key}`, value: JSON.stringify(now) }])
  }

  function remembered(key: string): BudgetNews {
    const note = ledger.note(`budget ${key}`)
    return note === undefined ? nothing : (JSON.parse(note) as BudgetNews)
  }

  return {
    stop: () => {
      next.cancel()
      off()
    },
  }
}

/** Falling, or getting up again, which may be long after. */
function isFall({ from, to }: { from: string; to: string }): boolean {
  return [from, to].some((state) => state === 'down' || state === 'unreachable')
}
