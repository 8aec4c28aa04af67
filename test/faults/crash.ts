/** The daemon killed again and again, at random moments, while agents die, freeze and return, and post their beats. */
import { spawn } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'
import { tally } from '../../src/domain/uptime.ts'
import type { Random } from '../../src/simulator/random.ts'
import { until } from '../support/until.ts'
import type { FaultAgent } from './agents.ts'
import { type Daemon, type Stage, timing } from './stage.ts'
import { type Outage, type Span, type Truth, toleranceMs, wrongAlerts, wrongIncidents, wrongStretches } from './truth.ts'
import { wallMs } from './wall.ts'

/** One life of the daemon, as far as it looked. */
interface Life {
  /** When it began to look at its host, and to hear posts; absent where it was killed before. */
  looksMs?: number
  hearsMs?: number
  killedMs: number
  /** Until when the watch looked, as the ledger has it; absent where it was never told. */
  markMs?: number
}

export interface Crashes {
  kills: number
  outages: number
  incidents: number
  alerts: number
  /** Alerts that came again, and were not said again. */
  cameAgain: number
  /** Everything that was wrong, in words. */
  faults: string[]
}

const silentAfterMs = timing.periodMs + timing.graceMs
/** The sweep, and what a decision takes into the ledger and the Tower. */
const sweepMs = 5_000

export async function crashes(stage: Stage, kills: number, random: Random): Promise<Crashes> {
  const { story } = stage
  const lives: Life[] = []
  const faults: string[] = []
  const over = new AbortController()
  const slowness = startSlowness()
  try {
    await Promise.all(stage.agents.map((agent) => agent.start()))
    const startMs = wallMs()
    // Who was never seen can't be missed.
    let daemon = stage.startDaemon()
    await seen(stage)
    const living = stage.agents.map((agent, index) => live(stage, agent, random, over.signal).then(() => index))
    for (let kill = 1; kill <= kills; kill++) {
      lives.push(await killed(stage, daemon, random, faults))
      if (random.chance(0.3)) await wait(random.whole(0, 1_200))
      daemon = stage.startDaemon()
    }
    over.abort()
    await daemon.says('the host answers')
    await Promise.all(living)
    await settled(stage)
    const endMs = wallMs()
    lives.push(lifeOf(daemon, endMs, endMs))
    daemon.signal('SIGTERM')
    if ((await daemon.ended) !== 0) faults.push('the last daemon did not stop in order')
    const found = judge(stage, lives, { fromMs: startMs, toMs: endMs }, slowness)
    return { ...found, kills, faults: [...faults, ...found.faults] }
  } finally {
    over.abort()
    slowness.stop()
    story.note('the crash test is over')
  }
}

/** Works, dies or freezes, waits to be noticed or not, returns; until it is over. */
async function live(stage: Stage, agent: FaultAgent, random: Random, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await wait(random.whole(1_200, 4_000))
    const how = random.chance(0.6) ? 'gone' : 'frozen'
    if (how === 'gone') await agent.kill()
    else agent.freeze()
    // Most wait until somebody was told of it, however often the watch dies meanwhile.
    if (random.chance(0.6)) await told(stage, agent)
    await wait(random.whole(100, 3_000))
    if (how === 'gone') await agent.start()
    else await agent.thaw()
  }
}

/** Resolves once the Tower has said a problem of this agent that is not older than its outage. */
async function told(stage: Stage, agent: FaultAgent): Promise<void> {
  const fromMs = agent.outages.at(-1)?.fromMs ?? 0
  await until(
    () => {
      const numbers = stage.tower.alerts
        .filter(({ kind, at, subjects }) => kind === 'problem' && at > fromMs - 1_000 && subjects.some(({ id }) => id === agent.id))
        .flatMap((alert) => alert.incidents)
      if (numbers.length === 0) return false
      const mine = stage.ledger((ledger) => ledger.incidents({ subject: `agent:${agent.id}`, limit: 5 }))
      return mine.some(({ number, openedMs }) => numbers.includes(number) && openedMs > fromMs - 1_000)
    },
    { withinMs: 90_000, what: `anybody to be told of ${agent.id}` },
  )
}

async function seen(stage: Stage): Promise<void> {
  await until(
    () => {
      const known = stage.ledger((ledger) => ledger.remembered().agents)
      return stage.agents.every(({ id }) => known.get(id)?.status.state === 'up')
    },
    { withinMs: 60_000, what: 'every agent to be seen' },
  )
}

/** Kills it at some moment, and looks at what it left. */
async function killed(stage: Stage, daemon: Daemon, random: Random, faults: string[]): Promise<Life> {
  await Promise.race([moment(stage, daemon, random), daemon.ended])
  if (daemon.hasEnded()) faults.push(`a daemon has ended by itself: ${daemon.text().slice(-500)}`)
  daemon.signal('SIGKILL')
  const killedMs = wallMs()
  await daemon.ended
  const poster = stage.agents.find(({ kind }) => kind === 'push')
  const posted = { ...poster?.posted }
  const left = stage.ledger((ledger) => ledger.remembered())
  if (poster && posted.seq !== undefined) {
    const beat = left.beats.get(poster.id)
    const isThere = beat !== undefined && (beat.epoch !== posted.epoch || (beat.seq ?? 0) >= posted.seq)
    if (!isThere)
      faults.push(`${poster.id}: beat ${posted.epoch}/${posted.seq} was taken, and is not in the ledger: ${JSON.stringify(beat)}`)
  }
  return lifeOf(daemon, killedMs, left.looking?.atMs)
}

/** Resolves at the moment to kill it at: while it starts, soon after, while it tells somebody, or after a while. */
async function moment(stage: Stage, daemon: Daemon, random: Random): Promise<void> {
  const where = random.next()
  if (where < 0.25) return wait(random.whole(0, 1_000))
  await daemon.says('watching')
  if (where < 0.55) await wait(random.whole(0, 2_500))
  else if (where < 0.8) await alertAnd(stage, random.whole(0, 30))
  else await wait(random.whole(5_500, 7_000))
}

/** While an alert is on its way: between the Tower's word and the ledger's. */
async function alertAnd(stage: Stage, ms: number): Promise<void> {
  let off = () => {}
  await Promise.race([new Promise<void>((resolve) => (off = stage.tower.onAlert(() => resolve()))), wait(4_000)])
  off()
  await wait(ms)
}

function lifeOf(daemon: Daemon, killedMs: number, markMs: number | undefined): Life {
  const at = (text: string) => daemon.log.find(({ msg }) => msg === text)?.time
  const looksMs = at('the host answers')
  const hearsMs = at('beats may be posted')
  return {
    killedMs,
    ...(markMs !== undefined && { markMs }),
    ...(looksMs !== undefined && { looksMs }),
    ...(hearsMs !== undefined && { hearsMs }),
  }
}

async function settled(stage: Stage): Promise<void> {
  await until(
    () =>
      stage.ledger((ledger) => {
        const open = ledger.incidents({ limit: 100_000 }).filter((incident) => incident.closedMs === undefined || !incident.recoveryTold)
        return open.length === 0 && ledger.untold('tower', 1).length === 0
      }),
    { withinMs: 60_000, what: 'everything to be over and told' },
  )
}

function judge(stage: Stage, lives: readonly Life[], window: Span, slowness: Slowness): Omit<Crashes, 'kills'> {
  const integrity = stage.integrity()
  const faults = integrity === 'ok' ? [] : [`the ledger is damaged: ${integrity}`]
  const look = stage.ledger((ledger) => ({
    incidents: ledger.incidents({ limit: 1_000_000 }),
    untold: ledger.untold('tower', 100),
    agents: new Map(
      stage.agents.map(({ id }) => [id, { timeline: ledger.timeline({ kind: 'agent', id }, 0), proved: ledger.proofs(id, 0) }] as const),
    ),
  }))
  for (const { looksMs = Number.POSITIVE_INFINITY, killedMs, markMs = 0 } of lives) {
    const slackMs = toleranceMs + slowness.during({ fromMs: killedMs - sweepMs, toMs: killedMs })
    if (killedMs - looksMs > sweepMs + slackMs && killedMs - markMs > sweepMs + slackMs)
      faults.push(`a watch that was killed had last said that it looks ${killedMs - markMs} ms before`)
  }
  let outages = 0
  for (const agent of stage.agents) {
    const truth = truthOf(agent, lives, window)
    const { timeline = [], proved = [] } = look.agents.get(agent.id) ?? {}
    const say = (ms: number) => `${((ms - window.fromMs) / 1000).toFixed(2)} s`
    for (const { fromMs, toMs, why } of wrongStretches(truth, timeline, window, slowness.during))
      faults.push(`the ledger has ${agent.id} ${why}, from ${say(fromMs)} to ${say(toMs)}`)
    const isCertain = (outage: Outage) => {
      const ms = outage.shows === 'at-once' ? 2_000 : silentAfterMs + sweepMs + toleranceMs
      return truth.looked.some(
        (span) => Math.min(span.toMs, outage.toMs) - Math.max(span.fromMs, outage.fromMs) > ms + slowness.during(outage),
      )
    }
    faults.push(...wrongIncidents(truth, look.incidents, isCertain, slowness.during))
    for (const proof of proved) {
      const died = agent.outages.find(
        ({ how, fromMs, toMs = window.toMs }) => how === 'gone' && fromMs < proof.toMs - toleranceMs && toMs > proof.fromMs + toleranceMs,
      )
      if (died)
        faults.push(`${agent.id} is proved to have lived from ${say(proof.fromMs)} to ${say(proof.toMs)}, and died at ${say(died.fromMs)}`)
    }
    const sum = tally(timeline, window.fromMs, window.toMs, { proved })
    const total = sum.upMs + sum.downMs + sum.unknownMs + sum.excludedMs
    if (total !== window.toMs - window.fromMs) faults.push(`the buckets of ${agent.id} sum to ${total} ms, not to the window`)
    stage.story.note(`${agent.id}: ${agent.outages.length} outages, ${JSON.stringify(sum)}`)
    outages += agent.outages.length
  }
  faults.push(...wrongAlerts(look.incidents, stage.tower.alerts))
  if (look.untold.length > 0) faults.push(`${look.untold.length} alerts are still to be told`)
  return {
    outages,
    incidents: look.incidents.length,
    alerts: stage.tower.alerts.length,
    cameAgain: stage.tower.cameIds.length - stage.tower.alerts.length,
    faults,
  }
}

const beginning = (agent: FaultAgent, life: Life) => (agent.kind === 'push' ? life.hearsMs : life.looksMs)

/** What a life saw after its last mark in the ledger may be lost with it. */
function truthOf(agent: FaultAgent, lives: readonly Life[], window: Span): Truth {
  const looked: Span[] = []
  const mayBeUnknown: Span[] = []
  let sinceMs = window.fromMs
  for (const life of lives) {
    const lookedMs = beginning(agent, life)
    if (lookedMs === undefined) continue
    looked.push({ fromMs: lookedMs, toMs: life.killedMs })
    if (life.markMs === undefined || life.markMs <= lookedMs) continue
    mayBeUnknown.push({ fromMs: sinceMs, toMs: lookedMs })
    sinceMs = life.markMs
  }
  const shows = (how: 'gone' | 'frozen'): Outage['shows'] => {
    if (how === 'frozen' || agent.kind === 'push') return 'by-silence'
    return agent.kind === 'hearsay' ? 'either' : 'at-once'
  }
  return {
    agent: agent.id,
    silentAfterMs,
    looked,
    mayBeUnknown,
    outages: agent.outages.map(({ fromMs, toMs = window.toMs, lastBeatMs, how }) => ({ fromMs, toMs, lastBeatMs, shows: shows(how) })),
  }
}

interface Slowness {
  /** By how much the machine itself held things up around this time. */
  during(span: Span): number
  stop(): void
}

/**
 * How long this machine takes for the like of what a look at a host takes. On one that is busy with something else, a look
 * that takes a second more is the machine's, and not the watch's.
 */
function startSlowness(): Slowness {
  const probes: { atMs: number; tookMs: number }[] = []
  let isOver = false
  const probe = () => {
    if (isOver) return
    const atMs = wallMs()
    spawn('/bin/sh', ['-c', 'stat / >/dev/null; date >/dev/null'], { stdio: 'ignore' }).once('close', () => {
      probes.push({ atMs, tookMs: wallMs() - atMs })
      setTimeout(probe, 700)
    })
  }
  probe()
  return {
    during: ({ fromMs, toMs }) => {
      const near = probes.filter(({ atMs, tookMs }) => atMs + tookMs > fromMs - 1_500 && atMs < toMs + 1_500)
      return 3 * Math.max(0, ...near.map(({ tookMs }) => tookMs))
    },
    stop: () => {
      isOver = true
    },
  }
}
