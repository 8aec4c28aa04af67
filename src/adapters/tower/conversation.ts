/**
 * What both transports have in common: from an open wire to a logged-in account, and then messages until the end.
 *
 * opening (no wire yet) → greeting (waiting for the game's first words) → login (name and password are out) → open → ended
 *
 * The login waits for the greeting for two reasons: Evennia queues new connections at two a second and loses what is sent
 * by one that is still queued, and a game whose server is away greets nobody, so no password goes out into the dark.
 */
import type { TowerAccount, TowerConnection, TowerListener, TowerTransport } from '../../ports/tower-transport.ts'
import { TowerConnectError } from '../../ports/tower-transport.ts'
import type { WatchMessage } from '../../protocol/messages.ts'
import type { Incoming } from './codec.ts'
import { FRAME_FLOOD, frameInflow } from './inflow.ts'
import { oneLine } from './one-line.ts'

/** The way frames go out, in the form of one transport. None of these throws. */
export interface Wire {
  login(account: TowerAccount): void
  send(message: WatchMessage): void
  bufferedBytes(): number
  /** Ends the connection. `gently`: what is queued may still go out first, for at most a moment. */
  end(gently: boolean): void
}

/** What the wire tells. Calls after the end do nothing. */
export interface WireEvents {
  /** Frames can be sent. */
  ready(): void
  incoming(incoming: Incoming): void
  ended(reason: string): void
  /** The other end could not show that it is the one that was meant: `reason` says why, and the remedy. */
  untrusted(reason: string): void
}

type Phase = 'opening' | 'greeting' | 'login' | 'open' | 'ended'

/** After the last words of the greeting: it comes in pieces over telnet, and none of them is to be taken for an answer. */
const GREETING_QUIET_MS = 100
/** A game may have an empty connection screen. */
const GREETING_WAIT_MS = 3_000

/** Ours by its text only: Evennia has no code for any of these. The first is a queue, not a refusal. */
const QUEUED = /DoS protection is active/i
const REFUSED =
  /password is incorrect|Too many login failures|Too many authentication failures|You have been banned|Logged in from elsewhere/i
const RESTARTING = /\b(restart|reload|shut|server)/i

export function converse(
  kind: TowerTransport['kind'],
  account: TowerAccount,
  listener: TowerListener,
  bounds: { timeoutMs: number; signal: AbortSignal },
  open: (events: WireEvents) => Wire,
): Promise<TowerConnection> {
  return new Promise((resolve, reject) => {
    const frames = frameInflow()
    let phase: Phase = 'opening'
    let wire: Wire | undefined
    /** Words that came after the login went out, where they are not known to be a refusal. */
    let answer = ''
    let greeted = false
    let lastWords = ''
    let quiet: NodeJS.Timeout | undefined

    const fail = (error: TowerConnectError) => {
      if (phase === 'open' || phase === 'ended') return
      finish()
      reject(error)
      wire?.end(false)
    }
    const finish = () => {
      phase = 'ended'
      clearTimeout(quiet)
      clearTimeout(deadline)
      bounds.signal.removeEventListener('abort', aborted)
    }
    const aborted = () => fail(new TowerConnectError('aborted', 'Connecting to the Tower was called off.'))
    const deadline = setTimeout(() => fail(timeoutError(phase, answer, bounds.timeoutMs)), bounds.timeoutMs)

    const sendLoginIn = (ms: number) => {
      clearTimeout(quiet)
      quiet = setTimeout(() => {
        if (phase !== 'greeting') return
        phase = 'login'
        wire?.login(account)
      }, ms)
    }

    const connection: TowerConnection = {
      send: (message) => {
        if (phase === 'open') wire?.send(message)
      },
      get bufferedBytes() {
        return phase === 'open' ? (wire?.bufferedBytes() ?? 0) : 0
      },
      close: () => {
        if (phase !== 'open') return
        finish()
        wire?.end(true)
        listener.closed('closed by us')
      },
    }

    const events: WireEvents = {
      ready: () => {
        if (phase !== 'opening') return
        phase = 'greeting'
        sendLoginIn(greeted ? GREETING_QUIET_MS : GREETING_WAIT_MS)
      },
      incoming: (incoming) => {
        if (phase === 'ended') return
        if (frames.isOver(1, performance.now())) return events.ended(FRAME_FLOOD)
        if (incoming.kind === 'text') return words(plain(incoming.text))
        if (incoming.kind === 'logged-in' && phase === 'login') {
          phase = 'open'
          clearTimeout(deadline)
          bounds.signal.removeEventListener('abort', aborted)
          return resolve(connection)
        }
        if (phase !== 'open') return
        if (incoming.kind === 'message') return listener.message(incoming.message)
        if (incoming.kind === 'malformed') return listener.malformed(incoming.text)
      },
      ended: (reason) => {
        if (phase === 'ended') return
        const said = oneLine(lastWords === '' ? reason : `${reason}: ${lastWords}`, 300)
        if (phase === 'open') {
          finish()
          wire?.end(false)
          return listener.closed(said)
        }
        fail(new TowerConnectError('unreachable', `The ${kind} connection to the Tower failed: ${said}`))
      },
      untrusted: (reason) => fail(new TowerConnectError('untrusted', oneLine(reason, 400))),
    }

    const words = (text: string) => {
      if (text === '') return
      if (phase === 'open') {
        // A second login of this account ends the first; only the words tell it from an ordinary end.
        if (REFUSED.test(text)) lastWords = oneLine(text, 120)
      } else if (phase === 'login') {
        if (REFUSED.test(text)) return fail(refusedError(text))
        if (!RESTARTING.test(text)) answer = text
      } else if (QUEUED.test(text)) {
        clearTimeout(quiet)
      } else if (REFUSED.test(text)) {
        fail(refusedError(text))
      } else {
        greeted = true
        if (phase === 'greeting') sendLoginIn(GREETING_QUIET_MS)
      }
    }

    if (bounds.signal.aborted) return aborted()
    bounds.signal.addEventListener('abort', aborted)
    try {
      wire = open(events)
    } catch (error) {
      fail(new TowerConnectError('unreachable', `The ${kind} connection to the Tower cannot be made: ${oneLine(String(error), 200)}`))
    }
  })
}

function refusedError(text: string): TowerConnectError {
  return new TowerConnectError('refused', `The Tower refused the login: ${oneLine(text, 200)}`)
}

function timeoutError(phase: Phase, answer: string, timeoutMs: number): TowerConnectError {
  const within = `within ${timeoutMs / 1000} s`
  // A game that speaks another language refuses in words we don't know: better two minutes too late than a lock-out.
  if (phase === 'login' && answer !== '') {
    return new TowerConnectError('refused', `The Tower did not log us in ${within}; it answered: ${oneLine(answer, 200)}`)
  }
  const missing = phase === 'opening' ? 'did not open the connection' : phase === 'greeting' ? 'said nothing' : 'did not answer the login'
  return new TowerConnectError('timeout', `The Tower ${missing} ${within}.`)
}

/** The words of a text frame: Evennia sends HTML over the websocket and ANSI colours over telnet. */
function plain(text: string): string {
  return oneLine(
    text
      .slice(0, 20_000)
      .replace(/<[^<>]*>/g, ' ')
      .replace(/\u001b\[[0-9;]*[A-Za-z]/g, ''),
    2_000,
  )
}
