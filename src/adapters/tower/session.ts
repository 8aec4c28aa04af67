/**
 * Keeps a Tower in step with the watch over any transport, for as long as it runs.
 *
 *   waiting → connecting → hello → connected        a failure anywhere leads to waiting, with back-off
 *                            ↑  ↘ mismatch           versions differ: said, and asked again now and then
 *                            └── a changed boot: the game's server restarted under an open connection
 *
 * Everything is done by one timer: each event only notes what it means and wakes it. It asks the feeds of the present
 * state for frames, in order of urgency and within the limit of frames a second, and sets itself for the next due time.
 */
import { randomUUID } from 'node:crypto'
import { assertNever } from '../../domain/assert-never.ts'
import { messageOf } from '../../domain/failure.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Log } from '../../ports/log.ts'
import type { Tower, TowerHandlers } from '../../ports/tower.ts'
import { type TowerAccount, TowerConnectError, type TowerConnection, type TowerTransport } from '../../ports/tower-transport.ts'
import type { TowerMessage, TowerMessages } from '../../protocol/messages.ts'
import { alertPump } from './alert-pump.ts'
import { afterFailure, afterRefusal, afterUntrusted, freshBackoff } from './backoff.ts'
import type { Feed } from './feed.ts'
import { greeter } from './greeter.ts'
import { historyPump } from './history-pump.ts'
import { mirror } from './mirror.ts'
import { oneLine } from './one-line.ts'
import { pinger } from './pinger.ts'
import { requestDesk } from './request-desk.ts'
import { seldom } from './seldom.ts'
import { sender } from './sender.ts'
import { type Live, linkOf, liveOf, mismatchSentence, type State } from './session-state.ts'
import { validFleet } from './valid-fleet.ts'

export interface SessionOptions {
  transport: TowerTransport
  account: TowerAccount
  handlers: TowerHandlers
  clock: Clock
  /** In [0, 1). */
  random(): number
  /** Name of the fleet, and version of the watch. */
  fleet: string
  version: string
  /** SHA-256 of the printed protocol and of the printed operations. */
  hashes: { protocol: string; operations: string }
  log: Log
}

const CONNECT_TIMEOUT_MS = 10_000
/** After a fault of the session's own. */
const FAULT_RETRY_MS = 5_000
/** A connection on which a server answered and that lasted this long was a good one: the back-off begins anew. */
const STEADY_MS = 10_000
/** And where another watch ended it: two that throw each other out come back more and more seldom. */
const UNDISPUTED_MS = 3_600_000

/** Connects at once and for ever, until `stop`. Throws nothing, neither from here nor from its timer. */
export function startTowerSession(options: SessionOptions): Tower {
  const { clock, handlers, random, transport } = options
  const log = seldom(options.log, () => clock.now())
  let state: State = { kind: 'waiting', until: clock.now(), reason: 'not connected yet' }
  let stateSince = clock.now()
  let backoff = freshBackoff
  let timer: { at: number; cancel(): void } | undefined

  const hello = greeter(
    {
      watch: options.version,
      fleet: options.fleet,
      life: randomUUID(),
      protocolHash: options.hashes.protocol,
      operationsHash: options.hashes.operations,
    },
    () => `hello-${randomUUID()}`,
  )
  const view = mirror(validFleet(handlers.fleet, log), random)
  const alerts = alertPump(handlers, log)
  const history = historyPump(
    handlers,
    () => `history-${randomUUID()}`,
    () => wake(),
    log,
  )
  const out = sender({ clock, log, wakeAt: (at) => wakeAt(at) })
  const desk = requestDesk({
    hand: (request, answer) => handlers.request(request, answer),
    now: () => clock.now(),
    wake: () => wake(),
    log,
  })

  const become = (next: State) => {
    state = next
    stateSince = clock.now()
    wake()
  }

  // --- connecting and losing ---

  const connect = () => {
    const attempt = {}
    const abort = new AbortController()
    become({ kind: 'connecting', attempt, abort })
    const listener = {
      message: (message: TowerMessage) => ifCurrent(attempt, () => received(message)),
      malformed: (text: string) => ifCurrent(attempt, () => malformed(text)),
      // May come before the promise's continuation has run; the connection is then no longer awaited below.
      closed: (reason: string) => ifCurrent(attempt, () => lost(reason)),
    }
    const opened = (connection: TowerConnection) => {
      if (state.kind !== 'connecting' || state.attempt !== attempt) return connection.close()
      log.info({ transport: transport.kind }, 'Logged in to the Tower')
      hello.start(clock.now())
      become({ kind: 'hello', attempt, live: { connection, pinger: pinger(clock.now()), boot: undefined, since: clock.now() } })
    }
    const failed = (error: unknown) => {
      if (state.kind !== 'connecting' || state.attempt !== attempt) return
      const kind = error instanceof TowerConnectError ? error.kind : 'unreachable'
      wait(kind === 'refused' ? 'slowly' : kind === 'untrusted' ? 'after a person' : 'soon', messageOf(error))
    }
    // Called inside a promise, so that a transport that throws is a failure like any other.
    Promise.resolve()
      .then(() => transport.connect(options.account, listener, { timeoutMs: CONNECT_TIMEOUT_MS, signal: abort.signal }))
      .then(opened, failed)
      .catch((error: unknown) => log.error({ error: String(error) }, 'The Tower session failed while connecting'))
  }

  const wait = (how: keyof typeof waits, reason: string) => {
    const { waitMs, next } = waits[how](backoff, random())
    backoff = next
    log.warn({ reason: oneLine(reason, 300), retryInMs: waitMs }, 'No connection to the Tower')
    become({ kind: 'waiting', until: clock.now() + waitMs, reason: oneLine(reason, 300) })
  }

  /** The connection is gone, whoever ended it. */
  const lost = (reason: string, how: 'soon' | 'slowly' = 'soon') => {
    const live = liveOf(state)
    // Another watch uses this account: coming straight back would throw it out in turn, for ever.
    const isRival = /elsewhere/i.test(reason)
    if (live?.boot !== undefined && clock.now() - live.since >= (isRival ? UNDISPUTED_MS : STEADY_MS)) backoff = freshBackoff
    wait(isRival ? 'slowly' : how, reason)
  }

  const drop = (reason: string, how: 'soon' | 'slowly' = 'soon') => {
    const live = liveOf(state)
    lost(reason, how)
    live?.connection.close()
  }

  // --- what comes in ---

  const ifCurrent = (attempt: object, act: () => void) => {
    if (!('attempt' in state) || state.attempt !== attempt) return
    guarded(act)
  }

  const received = (message: TowerMessage) => {
    if (state.kind === 'waiting' || state.kind === 'connecting' || state.kind === 'stopped') return
    state.live.pinger.heard(clock.now())
    switch (message.name) {
      case 'tower_welcome':
        welcomed(message.data)
        break
      case 'tower_pong':
        seen(message.data.boot)
        break
      case 'tower_error':
        complained(message.data)
        break
      case 'tower_ack': {
        const { id, ok, error } = message.data
        if (!ok) log.warn({ id, error }, 'The Tower did not accept a message')
        settled(id, ok, error)
        break
      }
      case 'tower_request':
        if (state.kind === 'connected') desk.request(message.data, clock.now())
        break
      case 'tower_refused':
        if (state.kind === 'connected') handlers.refused(message.data)
        break
      default:
        assertNever(message)
    }
    wake()
  }

  /** The Tower has said what became of the message with this id. */
  const settled = (id: string, ok: boolean, error: string | undefined) => {
    if (!view.acknowledged(id, ok) && !alerts.acknowledged(id, ok, error, clock.now())) desk.acknowledged(id, ok)
  }

  const malformed = (text: string) => log.warn({ fault: text }, 'The Tower sent something that is no message')

  const welcomed = (welcome: TowerMessages['tower_welcome']) => {
    if ((state.kind !== 'hello' && state.kind !== 'mismatch') || !hello.welcomed(welcome.id)) return
    const { attempt, live } = state
    live.boot = welcome.boot
    const differing = [
      ...(welcome.protocolHash === options.hashes.protocol ? [] : ['the protocol']),
      ...(welcome.operationsHash === options.hashes.operations ? [] : ['the operations']),
    ]
    if (differing.length > 0) return mismatched(mismatchSentence(options.version, welcome.plugin, differing.join(' and ')))
    log.info({ game: welcome.game, plugin: welcome.plugin, boot: welcome.boot }, 'The Tower welcomed the watch')
    if (welcome.note !== undefined) log.warn({ note: oneLine(welcome.note, 400) }, 'The Tower has a word for who looks after this watch')
    view.start(welcome.boot, clock.now())
    alerts.start()
    history.start(welcome.boot, clock.now())
    desk.start(clock.now())
    become({ kind: 'connected', attempt, live, game: welcome.game, plugin: welcome.plugin })
  }

  const mismatched = (sentence: string) => {
    if (state.kind !== 'hello' && state.kind !== 'mismatch' && state.kind !== 'connected') return
    hello.rest(clock.now())
    if (state.kind === 'mismatch' && state.sentence === sentence) return
    // The sentence holds words of the game: as a message each new one would be a line of its own.
    log.error({ sentence }, 'The watch and the Tower do not fit together')
    become({ kind: 'mismatch', attempt: state.attempt, live: state.live, sentence })
  }

  /** A pong: is it still the server that we introduced ourselves to? */
  const seen = (boot: string) => {
    const live = liveOf(state)
    if (live === undefined || live.boot === boot) return
    const known = live.boot
    live.boot = boot
    if (known !== undefined && (state.kind === 'connected' || state.kind === 'mismatch')) introduceAgain('The game restarted')
  }

  const introduceAgain = (why: string) => {
    if (state.kind !== 'connected' && state.kind !== 'mismatch') return
    log.info({}, `${why}; introducing the watch again`)
    hello.start(clock.now())
    become({ kind: 'hello', attempt: state.attempt, live: state.live })
  }

  const complained = (error: TowerMessages['tower_error']) => {
    log.warn({ code: error.code, id: error.id, text: error.text }, 'The Tower answered with an error')
    switch (error.code) {
      case 'version':
        return mismatched(oneLine(error.text, 400) || mismatchSentence(options.version, `of protocol ${error.v}`, 'the protocol'))
      case 'wrong-boot':
        return introduceAgain('The Tower says that it restarted')
      case 'not-allowed':
        return drop(`the Tower does not allow this account: ${oneLine(error.text, 200)}`, 'slowly')
      case 'invalid':
      case 'unknown-message':
      case 'internal':
        if (error.id !== undefined) settled(error.id, false, error.text)
        return
      default:
        assertNever(error.code)
    }
  }

  // --- what goes out ---

  const pump = () => {
    const now = clock.now()
    switch (state.kind) {
      case 'stopped':
      case 'connecting':
        return
      case 'waiting':
        if (now >= state.until) connect()
        else wakeAt(state.until)
        return
      case 'hello':
        return serve(state.live, [[hello]], 'the game is there, but no Towerwatch plugin answers the hello of this account')
      case 'mismatch':
        return serve(state.live, [[hello]], 'the game does not answer')
      case 'connected':
        // The fleet goes first, so that whoever hears of a death and looks sees it.
        return serve(state.live, state.live.pinger.suspect(now) ? [] : [[view], [desk, alerts], [history]], 'the game does not answer')
      default:
        assertNever(state)
    }
  }

  const serve = (live: Live, groups: Feed[][], silence: string) => {
    if (clock.now() >= live.pinger.deadAt()) return drop(silence)
    out.serve(live.connection, live.pinger, groups)
  }

  // --- the one timer ---

  const wake = () => wakeAt(clock.now())

  const wakeAt = (at: number) => {
    if (state.kind === 'stopped' || at === Number.POSITIVE_INFINITY) return
    if (timer !== undefined && timer.at <= at) return
    timer?.cancel()
    const { cancel } = clock.after(Math.max(0, at - clock.now()), () => {
      timer = undefined
      guarded(pump)
    })
    timer = { at, cancel }
  }

  const guarded = (act: () => void) => {
    try {
      act()
    } catch (error) {
      log.error(
        { error: error instanceof Error ? (error.stack ?? error.message) : String(error) },
        'The Tower session met a fault of its own',
      )
      wakeAt(clock.now() + FAULT_RETRY_MS)
    }
  }

  wake()

  return {
    changed: (ids) => {
      view.changed(ids)
      if (state.kind === 'connected') wake()
    },
    alertsWaiting: () => {
      alerts.waiting()
      view.hurry()
      history.changed(clock.now())
      if (state.kind === 'connected') wake()
    },
    redeclare: () => {
      view.redeclare(clock.now())
      if (state.kind === 'connected') wake()
    },
    link: () => ({ state: linkOf(state, transport.kind, clock.now()), sinceMs: stateSince }),
    stop: async () => {
      const last = state
      state = { kind: 'stopped' }
      timer?.cancel()
      timer = undefined
      if (last.kind === 'connecting') last.abort.abort()
      liveOf(last)?.connection.close()
    },
  }
}

const waits = { soon: afterFailure, slowly: afterRefusal, 'after a person': afterUntrusted }
