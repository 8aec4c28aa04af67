/** A simulated fleet under faults: agents live, hosts come and go, the watch sleeps, stalls and is killed. */
import type { Config } from '../config/config.ts'
import type { Ledger } from '../ports/ledger.ts'
import { type Fault, isFaultOf } from './faults.ts'
import { type Jitter, type Life, newLife, startBeating } from './lives.ts'
import { seededRandom } from './random.ts'
import { openSight, type Place, type Sight } from './sight.ts'
import type { Stage } from './stage.ts'
import type { SimulatedTower } from './tower.ts'

export interface Strike {
  kind: Fault['kind']
  atMs: number
  /** Whom it struck, and until when. */
  subject: { kind: 'agent' | 'host' | 'watch'; id: string }
  toMs: number
}

export interface World {
  readonly lives: readonly Life[]
  readonly places: readonly Place[]
  /** The faults that struck; one that found nobody free before the end did not. */
  readonly strikes: readonly Strike[]
  readonly sight: Sight
  /** Opens the daemon, begins all lives and waits for the faults. */
  start(): void
}

const secondMs = 1_000
const minuteMs = 60_000

export interface WorldPorts {
  config: Config
  seed: number
  stage: Stage
  tower: SimulatedTower
  /** What the daemon wrote of posted beats, whatever became of it. */
  ledger: Ledger
  faults: readonly Fault[]
  jitter: Jitter
  /** No fault begins or is postponed beyond this. */
  lastFaultMs: number
}

export function openWorld(ports: WorldPorts): World {
  const { config, stage, tower, faults } = ports
  const { clock } = stage
  const random = seededRandom(ports.seed, 2)
  const lives = [...config.agents.values()].map((agent, index) => newLife(agent, index, ports.seed))
  const places = [...config.hosts.keys()].map((id) => newPlace(id, lives, clock.now()))
  const sight = openSight({ stage, places, random })
  const strikes: Strike[] = []
  const troubledUntilMs = { watch: 0, tower: 0 }

  const begin = (life: Life, afterMs: number) => startBeating(life, stage, ports.jitter, clock.now() + afterMs, sight.beaten)

  function trouble(life: Life, kind: string): { over(): void } {
    const entry = { fromMs: clock.now(), toMs: Number.POSITIVE_INFINITY, kind }
    life.history.troubles.push(entry)
    return {
      over: () => {
        entry.toMs = clock.now()
      },
    }
  }

  function die(life: Life, kind: string): { revive(): void } {
    const { over } = trouble(life, kind)
    const turn = ++life.turn
    life.isAlive = false
    sight.died(life)
    return {
      revive: () => {
        if (life.turn !== turn) return
        over()
        life.turn++
        Object.assign(life, { isAlive: true, isSilent: false, isStuck: false, isBusy: true, seq: 0, epochs: life.epochs + 1 })
        begin(life, life.random.whole(300, 5_000))
      },
    }
  }

  const agentFaults: Partial<Record<Fault['kind'], (life: Life, lastsMs: number) => number>> = {
    crash: (life, lastsMs) => {
      clock.after(lastsMs, die(life, 'crash').revive)
      return lastsMs
    },
    hang: (life, lastsMs) => {
      const { over } = trouble(life, 'hang')
      const turn = ++life.turn
      life.isSilent = true
      clock.after(lastsMs, () => {
        if (life.turn !== turn) return
        over()
        life.isSilent = false
        begin(life, 1)
      })
      return lastsMs
    },
    stuck: (life, lastsMs) => {
      const { over } = trouble(life, 'stuck')
      const { turn } = life
      Object.assign(life, { isStuck: true, isBusy: true })
      clock.after(lastsMs, () => {
        if (life.turn !== turn) return
        over()
        life.isStuck = false
      })
      return lastsMs
    },
    flap: (life, lastsMs) => {
      const endMs = clock.now() + lastsMs
      const once = () => {
        const { revive } = die(life, 'flap')
        const { turn } = life
        clock.after(life.random.whole(5 * secondMs, minuteMs), () => {
          if (life.turn !== turn) return
          revive()
          const next = life.turn
          clock.after(life.random.whole(20 * secondMs, 2 * minuteMs), () => {
            if (life.turn === next && clock.now() < endMs) once()
          })
        })
      }
      once()
      return lastsMs + 3 * minuteMs
    },
  }

  const hostFaults: Partial<Record<Fault['kind'], (place: Place, lastsMs: number) => number>> = {
    partition: (place, lastsMs) => {
      sight.cut(place)
      clock.after(lastsMs, () => sight.mend(place))
      return lastsMs
    },
    'host-down': (place, lastsMs) => {
      const ends = place.lives.map((life) => {
        life.troubledUntilMs = Math.max(life.troubledUntilMs, clock.now() + lastsMs + 3 * minuteMs)
        return { life, atMs: random.whole(0, 1_500), end: undefined as { revive(): void } | undefined }
      })
      for (const entry of ends) {
        clock.after(entry.atMs, () => {
          entry.end = die(entry.life, 'host-down')
        })
      }
      clock.after(random.whole(300, 4_000), () => sight.cut(place))
      clock.after(lastsMs, () => {
        sight.mend(place)
        for (const entry of ends) clock.after(random.whole(3 * secondMs, minuteMs), () => entry.end?.revive())
      })
      return lastsMs + 2 * minuteMs
    },
    'slow-host': (place, lastsMs) => {
      sight.slow(place)
      clock.after(lastsMs, () => sight.quicken(place))
      return lastsMs + minuteMs
    },
  }

  const watchFaults: Partial<Record<Fault['kind'], (lastsMs: number) => number>> = {
    sleep: (lastsMs) => {
      sight.pause('sleep')
      clock.after(lastsMs, sight.goOn)
      return lastsMs
    },
    stall: (lastsMs) => {
      sight.pause('stall')
      clock.after(lastsMs, sight.goOn)
      return lastsMs
    },
    'clock-step': () => {
      stage.stepWall(random.pick([-24, -1, 1, 24]) * 60 * minuteMs)
      return 0
    },
    'daemon-kill': (lastsMs) => {
      const waitMs = 6 * secondMs
      const restart = () => {
        clock.after(lastsMs, () => {
          stage.open()
          sight.started()
          tower.alertsWaiting()
        })
      }
      const isAtWrite = random.chance(0.6)
      stage.watchClosely(clock.now() + waitMs + minuteMs)
      clock.after(waitMs, () => {
        const killNow = () => {
          keepPosted()
          sight.ended()
          stage.kill()
          restart()
        }
        if (!isAtWrite) {
          killNow()
          return
        }
        // Most often something is being written at that moment; where nothing is, it is killed all the same.
        let isDone = false
        stage.killAtWrite(random.chance(0.5) ? 'before' : 'after', () => {
          isDone = true
          keepPosted()
          sight.ended()
          restart()
        })
        clock.after(50 * secondMs, () => {
          if (!isDone) killNow()
        })
      })
      return waitMs + minuteMs + lastsMs
    },
    'tower-down': (lastsMs) => {
      tower.setUp(false)
      clock.after(lastsMs, () => tower.setUp(true))
      return lastsMs
    },
    ledger: (lastsMs) => {
      stage.setWritable(false)
      clock.after(lastsMs, () => stage.setWritable(true))
      // Some seconds more, until what waited is written: to be killed with decisions in memory only is another story.
      return lastsMs + 15 * secondMs
    },
  }

  /** Each posted beat is durable before it is answered. Only the last one counts, so only that one is written, at the last moment. */
  function keepPosted(): void {
    const facts = lives.flatMap(({ id, isPosted, shown }) => (isPosted && shown ? [{ kind: 'beat' as const, agent: id, beat: shown }] : []))
    void ports.ledger.write(facts)
  }

  function strike(fault: Fault): void {
    const hit = hitBy(fault)
    if (hit !== undefined && 'subject' in hit) strikes.push({ kind: fault.kind, atMs: clock.now(), ...hit })
    else {
      const atMs = (hit?.freeMs ?? clock.now()) + random.whole(5 * secondMs, 5 * minuteMs)
      if (atMs <= ports.lastFaultMs) clock.at(atMs, () => strike(fault))
    }
  }

  /** Whom it strikes and until when, or when to try again: two at once of a kind on one subject would hide one another. */
  function hitBy({ kind, target, lastsMs }: Fault): Pick<Strike, 'subject' | 'toMs'> | { freeMs: number } | undefined {
    const nowMs = clock.now()
    if (isFaultOf(kind, 'agent')) {
      const life = firstFrom(lives, target, (one) => one.troubledUntilMs <= nowMs && one.isAlive && !one.isPaused)
      if (!life) return undefined
      const toMs = nowMs + (agentFaults[kind]?.(life, lastsMs) ?? 0)
      life.troubledUntilMs = toMs + minuteMs
      return { subject: { kind: 'agent', id: life.id }, toMs }
    }
    if (isFaultOf(kind, 'host')) {
      const place = firstFrom(places, target, (one) => one.troubledUntilMs <= nowMs)
      if (!place) return undefined
      const toMs = nowMs + (hostFaults[kind]?.(place, lastsMs) ?? 0)
      place.troubledUntilMs = toMs + minuteMs
      return { subject: { kind: 'host', id: place.id }, toMs }
    }
    const group = kind === 'tower-down' ? 'tower' : 'watch'
    if (troubledUntilMs[group] > nowMs) return { freeMs: troubledUntilMs[group] }
    const toMs = nowMs + (watchFaults[kind]?.(lastsMs) ?? 0)
    troubledUntilMs[group] = toMs + 30 * secondMs
    return { subject: { kind: 'watch', id: group }, toMs }
  }

  return {
    lives,
    places,
    strikes,
    sight,
    start: () => {
      stage.open()
      for (const place of places) clock.after(random.whole(0, 3_000), () => sight.mend(place))
      for (const life of lives) begin(life, life.random.whole(0, life.periodMs))
      for (const fault of faults) clock.at(fault.atMs, () => strike(fault))
    },
  }
}

function newPlace(id: string, lives: readonly Life[], nowMs: number): Place {
  return {
    id,
    lives: lives.filter(({ host }) => host === id),
    incidents: [],
    isAway: false,
    isSlow: false,
    isPolled: false,
    lastAnswerMs: nowMs,
    isLost: false,
    troubledUntilMs: 0,
    turn: 0,
  }
}

/** The first that is free, from this index on and round. */
function firstFrom<T>(items: readonly T[], index: number, isFree: (item: T) => boolean): T | undefined {
  for (let step = 0; step < items.length; step++) {
    const item = items[(index + step) % items.length]
    if (item !== undefined && isFree(item)) return item
  }
  return undefined
}
