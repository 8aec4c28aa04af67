/** What was recorded and told, against what ought to have been. */
import type { Incident, Mute } from '../domain/incident.ts'
import type { Stretch } from '../domain/uptime.ts'
import type { AlertRecord } from '../ports/ledger.ts'
import type { Life } from './lives.ts'
import { bucketsOf, type Death, type Delay, type Expected, expected } from './oracle.ts'
import type { Place } from './sight.ts'
import type { SimulatedTower } from './tower.ts'
import type { Strike, World } from './world.ts'

export type FindingKind = 'missed' | 'false-death' | 'lost-alert' | 'duplicate-alert'

export interface Finding {
  kind: FindingKind
  /** "agent:a12" */
  subject: string
  atMs: number
  /** What was expected and what was found. */
  text: string
}

export interface Verdict {
  findings: Finding[]
  /** The largest difference of one agent's up, down or unknown time. */
  ledgerErrorMs: number
  ledgerErrorOf?: { agent: string; text: string }
  /** How long each kind of fault took to be noticed, counted from when it struck. */
  delaysMs: Map<string, number[]>
  perAgent: Map<string, { deaths: number; falseDeaths: number; alerts: number; delaysMs: number[] }>
  said: Record<'problem' | 'recovery' | 'reminder' | 'other', number>
  incidents: number
}

export interface Records {
  /** As they are at the end. */
  incidents: readonly Incident[]
  alerts: readonly AlertRecord[]
  /** The time of one agent by the ledger, cut into stretches. */
  uptime: (agent: string) => Stretch[]
  mutes: readonly Mute[]
}

/** Closer to the end than this, something may still be under way. */
const tailMs = 15 * 60_000

export function judge(world: World, tower: SimulatedTower, records: Records, startMs: number, endMs: number): Verdict {
  const verdict: Verdict = {
    findings: [],
    ledgerErrorMs: 0,
    delaysMs: new Map(),
    perAgent: new Map(),
    said: { problem: 0, recovery: 0, reminder: 0, other: 0 },
    incidents: records.incidents.length,
  }
  const bySubject = new Map<string, Incident[]>()
  for (const incident of records.incidents) {
    const key = `${incident.subject.kind}:${incident.subject.id}`
    bySubject.set(key, [...(bySubject.get(key) ?? []), incident])
  }
  // A beat that was seen right before a kill may not have been written: then the next one ends the death.
  const kills = world.strikes.filter(({ kind }) => kind === 'daemon-kill')
  for (const life of world.lives) {
    const place = world.places.find(({ id }) => id === life.host)
    const actual = bySubject.get(`agent:${life.id}`) ?? []
    const ideal = expected(life.history, delaysOf(world.strikes, life), startMs, endMs)
    judgeDeaths(life, life.isPaused ? [] : ideal.deaths, { actual, place, kills, endMs }, verdict)
    judgeLedger(life, ideal, records, endMs, verdict)
  }
  for (const place of world.places) judgeHost(place, bySubject.get(`host:${place.id}`) ?? [], kills, endMs, verdict)
  judgeAlerts(world, tower, records, endMs, verdict)
  measure(world.strikes, bySubject, verdict)
  return verdict
}

/** When the watch, or the agent's host, was slow for a known reason. */
function delaysOf(strikes: readonly Strike[], life: Life): Delay[] {
  return strikes.flatMap(({ kind, atMs, toMs, subject }): Delay[] => {
    if (kind === 'slow-host' && subject.id === life.host) return [{ fromMs: atMs, toMs: toMs + 60_000, byMs: 46_000 }]
    if ((kind === 'partition' || kind === 'host-down') && subject.id === life.host)
      return [{ fromMs: atMs, toMs: toMs + 15_000, byMs: 15_000 }]
    // Stopped in between, it looks again some seconds later.
    if (subject.kind === 'watch' && ['stall', 'sleep', 'daemon-kill'].includes(kind))
      return [{ fromMs: atMs, toMs: toMs + 10_000, byMs: 30_000 }]
    return []
  })
}

function judgeDeaths(
  life: Life,
  deaths: readonly Death[],
  { actual, place, kills, endMs }: { actual: readonly Incident[]; place: Place | undefined; kills: readonly Strike[]; endMs: number },
  verdict: Verdict,
): void {
  const subject = `agent:${life.id}`
  const find = (kind: FindingKind, atMs: number, text: string) => void verdict.findings.push({ kind, subject, atMs, text })
  const covers = (incident: Incident, death: Death) =>
    incident.openedMs <= Math.min(death.toMs, endMs) && (incident.closedMs ?? endMs) >= death.fromMs - 1_000
  for (const death of deaths) {
    if (!death.isCertain || death.dueMs > endMs || isForgotten(death, kills)) continue
    const found = actual.find((incident) => covers(incident, death))
    if (!found) find('missed', death.fromMs, `${death.cause} from ${say(death.fromMs)} to ${say(death.toMs)}, and nobody noticed`)
    else if (found.openedMs >= death.fromMs - 1_000 && found.noticedMs > death.dueMs)
      find(
        'missed',
        death.fromMs,
        `${death.cause} from ${say(death.fromMs)}, noticed only at ${say(found.noticedMs)}, due by ${say(death.dueMs)}`,
      )
  }
  for (const death of deaths) {
    const numbers = actual
      .filter((incident) => covers(incident, death) && incident.openedMs > death.dueMs)
      .map(({ number }) => `#${number}`)
    if (death.isCertain && numbers.length > 0)
      find(
        'duplicate-alert',
        death.fromMs,
        `one death from ${say(death.fromMs)} to ${say(death.toMs)} was said to be over, and told again (${numbers.join(', ')})`,
      )
  }
  let falseDeaths = 0
  for (const incident of actual) {
    const meant = deaths.filter((death) => covers(incident, death))
    const lost = place?.incidents.find(({ fromMs, toMs = endMs }) => fromMs < incident.openedMs && toMs > incident.noticedMs)
    const where = `incident #${incident.number} (${incident.cause}) from ${say(incident.openedMs)}, noticed ${say(incident.noticedMs)}`
    const [first] = meant
    const end = meant.at(-1)
    let fault: string | undefined
    if (!first || !end) fault = `${where}: there was no death`
    else if (meant.every(({ isWell }) => isWell)) fault = `${where}: it was late, but well`
    else if (lost && !life.isPosted) fault = `${where}: opened while its host was lost since ${say(lost.fromMs)}`
    else if (incident.openedMs < first.fromMs - 1_000) fault = `${where}: it died only at ${say(first.fromMs)}`
    else if (meant.length > 1 && !incident.flapping && meant[1]?.isCertain && first.isCertain)
      fault = `${where}: stands for ${meant.length} deaths, and is not said to flap`
    else if (
      !kills.some(({ atMs, toMs }) => end.toMs >= atMs && end.toMs <= toMs + 60_000) &&
      end.isCertain &&
      end.toMs < endMs - tailMs &&
      (incident.closedMs === undefined || incident.closedMs > end.toMs + 1_000)
    )
      fault = `${where}: over at ${say(end.toMs)}, closed ${incident.closedMs === undefined ? 'never' : `at ${say(incident.closedMs)}`}`
    if (fault === undefined) continue
    falseDeaths++
    find('false-death', incident.openedMs, fault)
  }
  verdict.perAgent.set(life.id, { deaths: deaths.length, falseDeaths, alerts: 0, delaysMs: [] })
}

function judgeLedger(life: Life, ideal: Expected, records: Records, endMs: number, verdict: Verdict): void {
  const meant = bucketsOf(ideal.spans, endMs, excludedOf(life, records))
  const found = records.uptime(life.id)
  for (const key of ['upMs', 'downMs', 'unknownMs', 'excludedMs'] as const) {
    const errorMs = Math.max(0, Math.abs(sumOf(meant, key) - sumOf(found, key)) - ideal.slackMs)
    if (errorMs <= verdict.ledgerErrorMs) continue
    verdict.ledgerErrorMs = errorMs
    const worst = longestDifference(meant, found)
    verdict.ledgerErrorOf = {
      agent: life.id,
      text: worst ? `${say(worst.fromMs)} to ${say(worst.toMs)} is ${worst.found} by the ledger, ${worst.meant} by the rules` : key,
    }
  }
}

const sumOf = (stretches: readonly Stretch[], bucket: Stretch['bucket']) =>
  stretches.reduce((sum, stretch) => sum + (stretch.bucket === bucket ? stretch.toMs - stretch.fromMs : 0), 0)

/** Both without gaps, over the same time. */
function longestDifference(meant: readonly Stretch[], found: readonly Stretch[]) {
  let worst: { fromMs: number; toMs: number; meant: string; found: string } | undefined
  let index = 0
  for (const one of meant) {
    while (index > 0 && (found[index]?.fromMs ?? 0) > one.fromMs) index--
    for (; index < found.length; index++) {
      const other = found[index]
      if (!other || other.fromMs >= one.toMs) break
      const fromMs = Math.max(one.fromMs, other.fromMs)
      const toMs = Math.min(one.toMs, other.toMs)
      if (one.bucket !== other.bucket && toMs - fromMs > (worst ? worst.toMs - worst.fromMs : 0))
        worst = { fromMs, toMs, meant: one.bucket.slice(0, -2), found: other.bucket.slice(0, -2) }
    }
  }
  return worst
}

/** What was seen right before a kill may not have been written; where it was over when the watch came back, nobody knows of it. */
function isForgotten(death: Death, kills: readonly Strike[]): boolean {
  return kills.some(({ atMs, toMs }) => death.fromMs >= atMs && death.toMs <= toMs + 60_000)
}

function excludedOf(life: Life, { mutes }: Records): { fromMs: number; toMs: number }[] {
  if (life.isPaused) return [{ fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY }]
  return mutes.filter((mute) => mute.kind === 'maintenance' && isMuted(mute, 'agent', life.id, life.host))
}

function isMuted({ subject }: Mute, kind: 'agent' | 'host', id: string, host: string | undefined): boolean {
  return subject.kind === 'fleet' || (subject.kind === kind && subject.id === id) || (subject.kind === 'host' && subject.id === host)
}

function judgeHost(place: Place, actual: readonly Incident[], kills: readonly Strike[], endMs: number, verdict: Verdict): void {
  const subject = `host:${place.id}`
  const fits = (incident: Incident, lost: Place['incidents'][number]) =>
    incident.openedMs <= (lost.toMs ?? endMs) + 1_000 && (incident.closedMs ?? endMs) >= lost.fromMs - 1_000
  for (const lost of place.incidents) {
    if (kills.some(({ atMs, toMs }) => lost.noticedMs >= atMs && lost.noticedMs <= toMs)) continue
    const found = actual.filter((incident) => fits(incident, lost))
    if (found.length === 0 || !found.some(({ noticedMs }) => noticedMs <= lost.noticedMs + 6_000))
      verdict.findings.push({
        kind: 'missed',
        subject,
        atMs: lost.fromMs,
        text: `lost from ${say(lost.fromMs)}, and not noticed by ${say(lost.noticedMs)}`,
      })
  }
  for (const incident of actual) {
    const meant = place.incidents.filter((lost) => fits(incident, lost))
    const where = `incident #${incident.number} from ${say(incident.openedMs)}`
    if (meant.length === 0)
      verdict.findings.push({ kind: 'false-death', subject, atMs: incident.openedMs, text: `${where}: the host was there` })
    else if (meant.length > 1 && !incident.flapping)
      verdict.findings.push({ kind: 'missed', subject, atMs: incident.openedMs, text: `${where} stands for ${meant.length} losses` })
  }
}

function judgeAlerts(world: World, tower: SimulatedTower, records: Records, endMs: number, verdict: Verdict): void {
  const problems = new Map<number, string[]>()
  const recoveries = new Map<number, string[]>()
  const saidIds = new Set<string>()
  for (const { alert } of tower.said) {
    saidIds.add(alert.id)
    const { kind } = alert
    verdict.said[kind === 'problem' || kind === 'recovery' || kind === 'reminder' ? kind : 'other']++
    for (const { kind: what, id } of alert.subjects) {
      const one = what === 'agent' ? verdict.perAgent.get(id) : undefined
      if (one) one.alerts++
    }
    const book = kind === 'problem' ? problems : kind === 'recovery' ? recoveries : undefined
    for (const number of alert.incidents) book?.set(number, [...(book.get(number) ?? []), alert.id])
  }
  for (const alert of records.alerts)
    if (!saidIds.has(alert.id) && alert.at < endMs - tailMs)
      verdict.findings.push({
        kind: 'lost-alert',
        subject: alert.subjects.map(({ kind, id }) => `${kind}:${id}`).join(' '),
        atMs: alert.at,
        text: `${alert.kind} ${alert.id} was made and never said: ${alert.text}`,
      })
  for (const incident of records.incidents) {
    const subject = `${incident.subject.kind}:${incident.subject.id}`
    const find = (kind: FindingKind, text: string) =>
      void verdict.findings.push({
        kind,
        subject,
        atMs: incident.noticedMs,
        text: `incident #${incident.number} from ${say(incident.openedMs)}: ${text}`,
      })
    const told = problems.get(incident.number) ?? []
    const ended = recoveries.get(incident.number) ?? []
    if (told.length > 1) find('duplicate-alert', `told ${told.length} times (${told.join(', ')})`)
    if (ended.length > 1) find('duplicate-alert', `told ${ended.length} times that it is over (${ended.join(', ')})`)
    if (told.length === 0 && ended.length > 0) find('duplicate-alert', 'told that it is over, though nobody had heard of it')
    if (told.length === 0 && incident.noticedMs < endMs - tailMs && !isHeldBack(incident, world, records, endMs))
      find('lost-alert', 'never told')
    if (
      told.length > 0 &&
      ended.length === 0 &&
      incident.closedMs !== undefined &&
      (incident.endNoticedMs ?? incident.closedMs) < endMs - tailMs
    )
      find('lost-alert', `over since ${say(incident.closedMs)}, which was never told`)
  }
}

/** Its host was lost from before it could be told until it was over, or somebody had muted it. */
function isHeldBack({ subject, ...incident }: Incident, world: World, records: Records, endMs: number): boolean {
  const host = subject.kind === 'host' ? subject.id : world.lives.find(({ id }) => id === subject.id)?.host
  const overMs = incident.endNoticedMs ?? incident.closedMs ?? endMs
  if (records.mutes.some((mute) => isMuted(mute, subject.kind, subject.id, host) && mute.fromMs < overMs && mute.toMs > incident.noticedMs))
    return true
  if (subject.kind === 'host') return false
  const place = world.places.find(({ id }) => id === host)
  return place?.incidents.some(({ noticedMs, toMs = endMs }) => noticedMs <= incident.noticedMs + 1_000 && toMs >= overMs - 1_000) ?? false
}

function measure(strikes: readonly Strike[], bySubject: ReadonlyMap<string, readonly Incident[]>, verdict: Verdict): void {
  for (const strike of strikes) {
    if (strike.subject.kind === 'watch') continue
    const found = (bySubject.get(`${strike.subject.kind}:${strike.subject.id}`) ?? []).find(
      (incident) => incident.openedMs >= strike.atMs - 1_000 && incident.openedMs <= strike.toMs,
    )
    if (!found) continue
    const delayMs = found.noticedMs - strike.atMs
    verdict.delaysMs.set(strike.kind, [...(verdict.delaysMs.get(strike.kind) ?? []), delayMs])
    if (strike.subject.kind === 'agent') verdict.perAgent.get(strike.subject.id)?.delaysMs.push(delayMs)
  }
}

function say(ms: number): string {
  return Number.isFinite(ms) ? new Date(ms).toISOString().slice(0, 19).replace('T', ' ') : 'the end'
}
