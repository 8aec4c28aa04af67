/**
 * Beats that agents bring by themselves: into memory as they come, into the ledger before they are answered. While nobody
 * can bring any, because the door can't be opened, nothing is known of those agents.
 */
import type { Config } from '../config/config.ts'
import type { BeatSource, PostedBeat, Poster, RunningBeatSource } from '../ports/beat-source.ts'
import { BeatSourceError } from '../ports/beat-source.ts'
import type { Clock } from '../ports/clock.ts'
import type { Ledger } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import type { Roster } from './roster.ts'

export interface PostedBeats {
  /** Where they are taken: `http://127.0.0.1:8787`; undefined while they are not. */
  url(): string | undefined
  redeclare(config: Config): void
  stop(): Promise<void>
}

interface Ports {
  source: BeatSource
  roster: Pick<Roster, 'agent' | 'observe'>
  ledger: Pick<Ledger, 'write'>
  clock: Clock
  log: Log
}

/** Whoever keeps the address busy may be a watch that is about to end. */
const againMs = 5_000

export function startPostedBeats(initial: Config, { source, roster, ledger, clock, log }: Ports): PostedBeats {
  let posters = postersOf(initial)
  let running: RunningBeatSource | undefined
  let isStopped = false
  let isBlind = false
  let again: { cancel(): void } | undefined

  async function take(agent: string, posted: PostedBeat): Promise<void> {
    const beat = { ...posted, atMs: clock.now() }
    const written = ledger.write([{ kind: 'beat', agent, beat }])
    roster.observe(agent, { kind: 'beat', beat })
    await written
  }

  async function open(): Promise<void> {
    try {
      running = await source.start(posters, take)
    } catch (error) {
      if (!(error instanceof BeatSourceError)) throw error
      if (!isBlind) log.error({ err: error.message }, 'agents cannot post their beats: what they do is unknown until they can')
      isBlind = true
      observeAll((id) => roster.observe(id, { kind: 'blind', sinceMs: clock.now() }))
      if (!isStopped) again = clock.after(againMs, begin)
      return
    }
    log.info({ url: running.url, agents: posters.size }, 'beats may be posted')
    if (isBlind) observeAll((id) => roster.observe(id, { kind: 'looking' }))
    isBlind = false
  }

  /** Those that were ever heard of: who is new has nothing to lose. */
  function observeAll(observe: (id: string) => void): void {
    for (const id of posters.keys()) if (roster.agent(id)?.facts.lastBeat) observe(id)
  }

  let opening: Promise<void> = Promise.resolve()
  const begin = () => {
    opening = open()
  }
  begin()

  return {
    url: () => running?.url,
    redeclare: (config) => {
      posters = postersOf(config)
      running?.redeclare(posters)
    },
    stop: async () => {
      isStopped = true
      again?.cancel()
      await opening
      again?.cancel()
      await running?.stop()
    },
  }
}

function postersOf(config: Config): Map<string, Poster> {
  const posters = new Map<string, Poster>()
  for (const { id, heartbeat } of config.agents.values()) if (heartbeat.kind === 'push') posters.set(id, { token: heartbeat.token })
  return posters
}
