/**
 * What the watch ought to have recorded of an agent, worked out from what truly happened and from the rules as they are
 * written for people. It shares nothing with the engine, on purpose: two independent readings of the rules must agree.
 *
 * - Up from a beat on. Down when nothing was heard for period + grace, from the moment that this time was over; it does not
 *   begin before the watch, or the way to the host, was there again for as long.
 * - Down when the host was asked twice and said that the process is gone, from the first time on.
 * - Down when it was busy for its `hung` time without progress.
 * - Up again from the beat that shows that it is over: a beat later than the death, of another life, or with progress.
 * - Out of sight (its host lost, the watch not looking) is unknown, from the last moment of sight to the next. An agent that
 *   posts its beats is in sight of its own as long as they come. What epoch and sequence prove afterwards was up, unless it
 *   was down when the watch looked away.
 */
import type { Stretch } from '../domain/uptime.ts'
import type { History } from './history.ts'

export interface Death {
  fromMs: number
  /** When the beat came that ended it; infinite where none did. */
  toMs: number
  cause: 'silent' | 'gone' | 'hung'
  /** Until when it must have been noticed, if it lasts as long in sight. */
  dueMs: number
  /** It lasted, in sight, beyond `dueMs`: the watch had its chance. */
  isCertain: boolean
  /** In truth the agent was well, and only late. */
  isWell: boolean
}

export interface Expected {
  /** Without gaps from the beginning to the end. */
  spans: { fromMs: number; bucket: 'up' | 'down' | 'unknown' | 'unreachable' }[]
  deaths: Death[]
  /** So much of the buckets depends on the moment at which the watch happened to look. */
  slackMs: number
}

/** A time in which the watch may be slower to notice, and by how much. */
export interface Delay {
  fromMs: number
  toMs: number
  byMs: number
}

const sweepMs = 5_000
const lookMs = 1_000

export function expected(history: History, delays: readonly Delay[], startMs: number, endMs: number): Expected {
  const { periodMs, graceMs, hungMs, isPosted } = history
  const spans: Expected['spans'] = [{ fromMs: startMs, bucket: 'unknown' }]
  const deaths: Death[] = []
  let slackMs = 0
  let beat: { atMs: number; epoch: string; seq: number; isIdle: boolean } | undefined
  let watchedMs = startMs
  let movedMs = startMs
  let gone: { atMs: number } | undefined
  let open: Death | undefined
  let hostLostMs: number | undefined
  let isBlind = false
  /** When something was new of it that the next beats don't tell again. */
  let newsMs = Number.NEGATIVE_INFINITY
  /** The watch did not look, and the agent was not down when that began. */
  let isProvable = false
  /** Nobody looked from … to, and no beat has come since. */
  let unproved: { fromMs: number; toMs: number } | undefined

  const isHidden = () => isBlind || (hostLostMs !== undefined && !isPosted)
  const last = () => spans.at(-1) ?? { fromMs: startMs, bucket: 'unknown' as const }

  function set(bucket: Expected['spans'][number]['bucket'], atMs: number): void {
    const before = last()
    if (before.bucket === bucket) return
    // What was recorded stays as it was recorded.
    spans.push({ fromMs: Math.max(atMs, before.fromMs), bucket })
  }

  function lateBy(ms: number): number {
    let byMs = sweepMs + lookMs
    for (const delay of delays) if (delay.fromMs <= ms + byMs && delay.toMs + delay.byMs >= ms) byMs += delay.byMs
    return byMs
  }

  function fall(atMs: number, cause: Death['cause']): void {
    const fromMs = Math.max(atMs, last().fromMs)
    set('down', atMs)
    if (open) return
    // What made it silent or stuck began before it was silent for too long.
    const isWell = !history.troubles.some((trouble) => trouble.fromMs <= atMs && trouble.toMs >= atMs - periodMs - graceMs)
    open = { fromMs, toMs: Number.POSITIVE_INFINITY, cause, dueMs: fromMs + lateBy(fromMs), isCertain: false, isWell }
    deaths.push(open)
  }

  /** It is in sight, and down, until this moment. */
  function lasted(toMs: number): void {
    if (open && toMs > open.dueMs) open.isCertain = true
  }

  /** A death that was over before the watch must have noticed it may stand in the ledger or not. */
  function unsure(toMs: number): void {
    if (open && !open.isCertain) slackMs += Math.max(0, toMs - open.fromMs)
  }

  /**
   * It goes out of sight before the watch must have noticed, or before that was written: it may be held for dead, or not. Then
   * silence counts anew, and both are right.
   */
  function leaveOpen(sinceMs: number, isForgotten: boolean): void {
    if (!open || open.isCertain || (open.cause === 'gone' && !isForgotten)) return
    slackMs += open.cause === 'hung' ? (hungMs ?? 0) : periodMs + graceMs
    open.toMs = Math.max(open.fromMs, sinceMs)
    open = undefined
    if (isForgotten) gone = undefined
  }

  /** What time alone brings about until this moment. */
  function pass(toMs: number): void {
    if (!beat || isHidden()) return
    if (open) {
      if (hostLostMs === undefined) lasted(toMs)
      return
    }
    const silentMs = Math.max(beat.atMs, watchedMs) + periodMs + graceMs
    const hungAtMs = hungMs === undefined || beat.isIdle ? Number.POSITIVE_INFINITY : Math.max(movedMs, watchedMs) + hungMs
    const fallsMs = Math.min(silentMs, hungAtMs)
    if (fallsMs > toMs) return
    if (hostLostMs === undefined) {
      fall(fallsMs, fallsMs === silentMs ? 'silent' : 'hung')
      lasted(toMs)
    } else set('unreachable', fallsMs)
  }

  for (const moment of history.moments) {
    switch (moment.kind) {
      case 'beats': {
        pass(moment.fromMs)
        const isOther = beat !== undefined && beat.epoch !== moment.epoch
        if (isOther) newsMs = moment.fromMs
        if (unproved && beat && !isOther && (moment.fromSeq - beat.seq) * (periodMs + graceMs) >= moment.fromMs - beat.atMs) {
          prove(spans, { fromMs: unproved.fromMs, toMs: Math.min(unproved.toMs, moment.toMs) })
          // Seen after it was written: what comes next proves the rest.
          unproved = moment.toMs < unproved.toMs ? { fromMs: moment.toMs, toMs: unproved.toMs } : undefined
        } else unproved = undefined
        if (gone && !isOther && moment.fromMs <= gone.atMs) {
          beat = { atMs: moment.toMs, epoch: moment.epoch, seq: moment.toSeq, isIdle: moment.isIdle }
          break
        }
        gone = undefined
        const isLater = isOther || (open !== undefined && moment.fromMs > open.fromMs)
        if (open && isLater && (open.cause !== 'hung' || moment.isMoving)) {
          if (!isHidden() && hostLostMs === undefined) unsure(moment.fromMs)
          open.toMs = Math.max(moment.fromMs, open.fromMs)
          newsMs = moment.fromMs
          open = undefined
        }
        if (moment.isMoving) movedMs = moment.toMs
        if (!isHidden() && !open) set('up', moment.fromMs)
        beat = { atMs: moment.toMs, epoch: moment.epoch, seq: moment.toSeq, isIdle: moment.isIdle }
        break
      }
      case 'gone':
        pass(moment.sureMs)
        gone ??= { atMs: moment.atMs }
        fall(gone.atMs, 'gone')
        break
      case 'host-lost': {
        // Whoever finds a host lost is looking; while he was not, nothing was known of the way to it.
        const sinceMs = isBlind ? moment.atMs : moment.sinceMs
        pass(sinceMs)
        newsMs = moment.atMs
        hostLostMs ??= sinceMs
        if (isBlind && isProvable && unproved) unproved.toMs = moment.atMs
        isBlind = false
        if (beat && !(isPosted && beat.atMs > hostLostMs && !open)) {
          unsure(sinceMs)
          leaveOpen(sinceMs, false)
          set('unreachable', sinceMs)
        }
        break
      }
      case 'host-back':
        newsMs = moment.atMs
        if (isPosted) {
          pass(moment.atMs)
          hostLostMs = undefined
          watch(moment.atMs)
        }
        break
      case 'blind':
        pass(moment.sinceMs)
        if (!isHidden() && hostLostMs === undefined) unsure(moment.sinceMs)
        // That its host is lost is not written of one that beats on.
        if (isPosted && moment.lostMs > 0 && hostLostMs !== undefined) slackMs += periodMs + graceMs
        // Held for dead, nothing is proved of it.
        if (open && !open.isCertain) slackMs += moment.atMs - moment.sinceMs
        leaveOpen(moment.sinceMs, moment.lostMs > 0)
        // What was new right before a kill (another life, a return, a lost host), the next life of the watch may know nothing of.
        if (moment.lostMs > 0 && newsMs >= moment.sinceMs - moment.lostMs) slackMs += moment.atMs - moment.sinceMs + periodMs + graceMs
        isBlind = true
        slackMs += moment.lostMs
        isProvable = open === undefined
        if (isProvable) unproved = { fromMs: Math.min(moment.sinceMs, unproved?.fromMs ?? moment.sinceMs), toMs: moment.atMs }
        if (beat) set('unknown', moment.sinceMs)
        break
      case 'seen':
        isBlind = false
        if (isProvable && unproved) unproved.toMs = moment.atMs
        isProvable = false
        if (!isPosted) hostLostMs = undefined
        watch(moment.atMs)
        break
    }
  }
  pass(endMs)
  unsure(endMs)
  return { spans, deaths, slackMs }

  /** It is in sight again: silence and standing still count from here. */
  function watch(atMs: number): void {
    watchedMs = atMs
    if (!beat) return
    if (hostLostMs === undefined) set(open || gone ? 'down' : 'up', atMs)
    else set(!open && beat.atMs > hostLostMs ? 'up' : 'unreachable', atMs)
  }
}

/** What was unknown in this time was up after all. */
function prove(spans: Expected['spans'], time: { fromMs: number; toMs: number }): void {
  const after: Expected['spans'] = []
  for (const [index, span] of spans.entries()) {
    const endMs = spans[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY
    const fromMs = Math.max(span.fromMs, time.fromMs)
    const toMs = Math.min(endMs, time.toMs)
    if (span.bucket !== 'unknown' || fromMs >= toMs) {
      after.push(span)
      continue
    }
    if (span.fromMs < fromMs) after.push(span)
    after.push({ fromMs, bucket: 'up' })
    if (toMs < endMs) after.push({ fromMs: toMs, bucket: 'unknown' })
  }
  spans.splice(0, spans.length, ...after)
}

const names = { up: 'upMs', down: 'downMs', unknown: 'unknownMs', unreachable: 'unknownMs' } as const

/** The same as an account has it. `excluded`: times that count as nothing else, in any order. */
export function bucketsOf(spans: Expected['spans'], endMs: number, excluded: readonly { fromMs: number; toMs: number }[]): Stretch[] {
  const startMs = spans[0]?.fromMs ?? endMs
  const edges = new Set([startMs, endMs])
  for (const { fromMs } of spans) edges.add(fromMs)
  for (const { fromMs, toMs } of excluded) edges.add(fromMs).add(toMs)
  const inside = [...edges].filter((ms) => ms >= startMs && ms <= endMs).sort((a, b) => a - b)
  const found: Stretch[] = []
  let index = 0
  for (const [position, fromMs] of inside.entries()) {
    const toMs = inside[position + 1] ?? endMs
    while (index + 1 < spans.length && (spans[index + 1]?.fromMs ?? endMs) <= fromMs) index++
    const isExcluded = excluded.some((span) => span.fromMs <= fromMs && span.toMs > fromMs)
    if (toMs > fromMs) found.push({ fromMs, toMs, bucket: isExcluded ? 'excludedMs' : names[spans[index]?.bucket ?? 'unknown'] })
  }
  return found
}
