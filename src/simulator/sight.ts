/**
 * What the watch gets to see of the simulated hosts and agents: it looks at each host every second, hears posted beats as they
 * come, finds hosts lost and back again, and sees nothing while it sleeps. Everything that it sees goes to the engine and,
 * independently, into the histories that the oracle judges from.
 */
import type { History, Moment } from './history.ts'
import type { Life, SimulatedBeat } from './lives.ts'
import type { Random } from './random.ts'
import type { Stage } from './stage.ts'

export interface Place {
  readonly id: string
  readonly lives: readonly Life[]
  readonly incidents: { fromMs: number; noticedMs: number; toMs?: number }[]
  /** Nobody gets through to it. */
  isAway: boolean
  /** It answers late. */
  isSlow: boolean
  /** The watch looks at it every second. */
  isPolled: boolean
  lastAnswerMs: number
  /** Found lost, and not back yet. */
  isLost: boolean
  troubledUntilMs: number
  /** Changes with everything that ends what was planned for it. */
  turn: number
}

export interface Sight {
  isLooking(): boolean
  /** An agent has beaten. */
  beaten(life: Life): void
  /** An agent's process has ended. */
  died(life: Life): void
  cut(place: Place): void
  mend(place: Place): void
  slow(place: Place): void
  quicken(place: Place): void
  /** The watch's machine sleeps or its event loop stands still, from now on. */
  pause(how: 'stall' | 'sleep'): void
  /** It goes on. What was posted to a stalled watch has waited, what was posted to one asleep is lost. */
  goOn(): void
  /** The daemon is dead. */
  ended(): void
  /** It was started again. */
  started(): void
  beforeSweep(): void
  onBlind(): void
}

const sweepEveryMs = 5_000
/** A sweep that is later than this knows that it was not looking. */
const blindMs = 10_000

export function openSight(ports: { stage: Stage; places: readonly Place[]; random: Random }): Sight {
  const { stage, places, random } = ports
  const { clock } = stage
  const byId = new Map(places.map((place) => [place.id, place]))
  let isLooking = true
  let sweptMs = 0
  let pausedHow: 'stall' | 'sleep' = 'stall'
  /** Posted beats that wait for a stalled watch. */
  let queue: { life: Life; beat: SimulatedBeat }[] = []

  function roster() {
    stage.heed()
    return stage.engine()?.roster
  }
  const placeOf = (life: Life) => byId.get(life.host)
  const record = ({ history }: Life, moment: Moment) => void history.moments.push(moment)

  /** With the time that the watch's own clock gives it: how old it is, is what a host can tell. */
  function byWatch(beat: SimulatedBeat): SimulatedBeat {
    const behindMs = clock.now() - stage.watchMs()
    return behindMs === 0 ? beat : { ...beat, atMs: beat.atMs - behindMs }
  }

  function answered(place: Place): void {
    place.lastAnswerMs = clock.now()
    roster()?.observeHost(place.id, { kind: 'answered' })
  }

  /** The watch takes a beat in. */
  function take(life: Life, beat: SimulatedBeat): void {
    const { shown } = life
    const isMoving = shown?.epoch !== beat.epoch || shown.progress !== beat.progress || beat.busy === false
    noteBeat(life.history, beat, isMoving)
    life.shown = beat
    if (beat === life.written) life.isShown = true
  }

  function see(life: Life): void {
    if (life.isHidden) record(life, { kind: 'seen', atMs: clock.now() })
    life.isHidden = false
  }

  const news = (life: Life) => (life.written && !life.isShown ? life.written : undefined)

  /** The host's answer has this agent in it. */
  function sight(life: Life): void {
    const isMissing = !life.isAlive && life.hasProcess
    const isGone = isMissing && life.suspectedMs !== undefined
    const beat = news(life)
    // The last word of another life is found together with its end.
    const isOther = beat !== undefined && life.shown !== undefined && beat.epoch !== life.shown.epoch
    const goneMs = isOther ? clock.now() : (life.suspectedMs ?? clock.now())
    roster()?.observe(life.id, { kind: 'sighted', ...(beat && { beat: byWatch(beat) }), ...(isGone && { gone: 'process-gone' as const }) })
    see(life)
    if (beat) take(life, beat)
    if (isGone) record(life, { kind: 'gone', atMs: goneMs, sureMs: clock.now() })
    if (isMissing && !isGone) suspect(life)
    else delete life.suspectedMs
  }

  /** One look shows that its process is gone: the host is asked again at once. */
  function suspect(life: Life): void {
    life.suspectedMs = clock.now()
    roster()?.observe(life.id, { kind: 'suspected', cause: 'process-gone' })
    clock.after(random.whole(50, 400), () => {
      if (isLooking && placeOf(life)?.isPolled && life.suspectedMs !== undefined) sight(life)
    })
  }

  function look(place: Place): void {
    if (!isLooking || place.isAway) return
    answered(place)
    if (place.isLost) {
      place.isLost = false
      const open = place.incidents.at(-1)
      if (open) open.toMs = clock.now()
      for (const life of place.lives) record(life, { kind: 'host-back', atMs: clock.now() })
    }
    place.isPolled = !place.isSlow
    for (const life of place.lives) if (!life.isPosted) sight(life)
  }

  function findLost(place: Place): void {
    if (!isLooking || !place.isAway) return
    roster()?.observeHost(place.id, { kind: 'lost', sinceMs: Math.min(place.lastAnswerMs, stage.watchMs()), cause: 'unreachable' })
    // Lost before the watch stopped looking, it is found lost anew: in between, nothing is known of the way to it either.
    const sinceMs = place.isLost ? clock.now() : place.lastAnswerMs
    if (!place.isLost) place.incidents.push({ fromMs: sinceMs, noticedMs: clock.now() })
    place.isLost = true
    for (const life of place.lives) {
      delete life.suspectedMs
      record(life, { kind: 'host-lost', sinceMs, atMs: clock.now() })
      if (!life.isPosted) life.isHidden = true
    }
  }

  /** No answer can be waited for: connecting takes its time to fail. */
  const tryInVain = (place: Place) => void clock.after(random.whole(2_000, 12_000), () => findLost(place))

  function lookSoon(place: Place, withinMs: number): void {
    if (place.isAway) tryInVain(place)
    else clock.after(random.whole(0, withinMs), () => look(place))
  }

  function stopLooking(): void {
    isLooking = false
    sweptMs = stage.lastSweepMs()
    queue = []
    for (const place of places) {
      // One that was asked in this very moment; what it says afterwards nobody hears.
      if (place.isPolled) answered(place)
      place.isPolled = false
      for (const life of place.lives) delete life.suspectedMs
    }
  }

  /** Nothing was seen since the last sweep before: everybody is hidden until looked at. */
  function noteBlind(sinceMs: number, lostMs: number): void {
    for (const { lives } of places) {
      for (const life of lives) {
        if (!life.shown) continue
        record(life, { kind: 'blind', sinceMs, atMs: clock.now(), lostMs })
        life.isHidden = true
      }
    }
  }

  function seePosted(): void {
    for (const { lives } of places) for (const life of lives) if (life.isPosted) see(life)
  }

  return {
    isLooking: () => isLooking,
    beaten: (life) => {
      const beat = life.written
      if (!beat) return
      if (!life.isPosted) {
        if (isLooking && placeOf(life)?.isPolled) sight(life)
      } else if (isLooking) {
        roster()?.observe(life.id, { kind: 'beat', beat: byWatch(beat) })
        take(life, beat)
      } else queue.push({ life, beat })
    },
    died: (life) => {
      if (!life.hasProcess) return
      clock.after(random.whole(1, 1_000), () => {
        if (isLooking && !life.isAlive && placeOf(life)?.isPolled) sight(life)
      })
    },
    cut: (place) => {
      if (isLooking && place.isPolled) answered(place)
      place.isAway = true
      place.isPolled = false
      tryInVain(place)
    },
    mend: (place) => {
      place.isAway = false
      lookSoon(place, 10_000)
    },
    slow: (place) => {
      if (isLooking && place.isPolled) answered(place)
      place.isSlow = true
      place.isPolled = false
      const turn = ++place.turn
      const next = () =>
        void clock.after(random.whole(2_000, 45_000), () => {
          if (place.turn !== turn) return
          look(place)
          next()
        })
      next()
    },
    quicken: (place) => {
      place.isSlow = false
      place.turn++
      lookSoon(place, 1_000)
    },
    pause: (how) => {
      stopLooking()
      pausedHow = how
      stage.pause(how)
    },
    goOn: () => {
      isLooking = true
      stage.goOn()
      const nowMs = clock.now()
      if (pausedHow === 'sleep' || nowMs - sweptMs - sweepEveryMs > blindMs) noteBlind(sweptMs, 0)
      // Whatever comes first makes it see those that post; the sweep, at the latest.
      clock.after(sweepEveryMs + 1_000, seePosted)
      const waited = queue
      queue = []
      if (pausedHow === 'stall') {
        for (const { life, beat } of waited) {
          const late = { ...beat, atMs: nowMs }
          roster()?.observe(life.id, { kind: 'beat', beat: byWatch(late) })
          take(life, late)
        }
      }
      for (const place of places) lookSoon(place, 3_000)
    },
    ended: () => stopLooking(),
    started: () => {
      isLooking = true
      queue = []
      const nowMs = clock.now()
      noteBlind(sweptMs, sweepEveryMs + 1_000)
      seePosted()
      for (const place of places) {
        place.lastAnswerMs = nowMs
        // A new daemon has read no file yet.
        for (const life of place.lives) if (!life.isPosted) life.isShown = false
        lookSoon(place, 3_000)
      }
    },
    beforeSweep: () => {
      for (const place of places) if (place.isPolled) answered(place)
    },
    onBlind: () => {
      seePosted()
      for (const place of places) if (place.isPolled) clock.after(random.whole(1, 1_000), () => look(place))
    },
  }
}

/** Beats that say nothing new are kept as one: a month has millions of them. */
function noteBeat({ moments, periodMs }: History, beat: SimulatedBeat, isMoving: boolean): void {
  const last = moments.at(-1)
  const isIdle = beat.busy === false
  if (last?.kind === 'beats' && last.epoch === beat.epoch && last.isMoving === isMoving && beat.atMs - last.toMs <= periodMs) {
    last.toMs = Math.max(last.toMs, beat.atMs)
    last.toSeq = beat.seq
    last.isIdle = isIdle
    return
  }
  moments.push({
    kind: 'beats',
    fromMs: beat.atMs,
    toMs: beat.atMs,
    epoch: beat.epoch,
    fromSeq: beat.seq,
    toSeq: beat.seq,
    isMoving,
    isIdle,
  })
}
