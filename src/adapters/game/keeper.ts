import { hasCode, messageOf } from '../../domain/failure.ts'
import { type GameProcess, gameProcesses } from './processes.ts'

type Part = GameProcess['part']

export type KeeperOptions = {
  /** The game directory, without symbolic links. */
  readonly game: string
  /** Whether the game still is this process's to start; once it is not, the keeper ends. */
  readonly isOurs: () => boolean
  readonly startPart: (part: Part) => void
  /** Whether a half that is not there was killed, rather than stopped in order by somebody (`evennia stop`). */
  readonly wasKilled: (part: Part) => boolean
  /** Is told, in a few words, what has ended. */
  readonly say: (text: string) => void
}

const LOOK_EVERY_MS = 2_000
/** In a reload there is no server for a moment; it is the portal that starts the next one. */
const MISSING_MS = 6_000
const LONGEST_PAUSE_MS = 60_000

/**
 * Starts a half of the game again that has ended without being told to: killed, or out of memory. A half that keeps ending
 * is started with growing pauses.
 * @returns ends the keeper; nothing is started any more once it has resolved
 */
export function startKeeper({ game, isOurs, startPart, wasKilled, say }: KeeperOptions): () => Promise<void> {
  const missing = new Map<Part, { sinceMs: number; pauseMs: number; startedAtMs: number | undefined }>()
  let known: readonly GameProcess[] = []
  let timer: NodeJS.Timeout | undefined
  let ended = false

  const look = async () => {
    // Reading every process's command line is for when one of the two is not there any more.
    if (known.length !== 2 || !known.every(isThere)) known = await gameProcesses(game)
    const nowMs = performance.now()
    for (const part of ['portal', 'server'] as const) {
      const entry = missing.get(part)
      if (known.some((one) => one.part === part)) {
        if (entry && nowMs - (entry.startedAtMs ?? nowMs) > LONGEST_PAUSE_MS) missing.delete(part)
        else if (entry) entry.sinceMs = nowMs
      } else if (!entry) missing.set(part, { sinceMs: nowMs, pauseMs: MISSING_MS, startedAtMs: undefined })
      else if (nowMs - entry.sinceMs >= entry.pauseMs && !ended && isOurs() && (entry.startedAtMs !== undefined || wasKilled(part))) {
        say(`its ${part} has ended, starting it again`)
        startPart(part)
        missing.set(part, { sinceMs: nowMs, pauseMs: Math.min(LONGEST_PAUSE_MS, entry.pauseMs * 2), startedAtMs: nowMs })
      }
    }
  }

  let looking: Promise<void> = Promise.resolve()
  const again = () => {
    timer = setTimeout(() => {
      looking = look()
        .catch((error: unknown) => say(`its processes could not be looked at: ${messageOf(error)}`))
        .finally(() => {
          if (!ended && isOurs()) again()
        })
    }, LOOK_EVERY_MS)
    timer.unref()
  }
  again()

  return async () => {
    ended = true
    clearTimeout(timer)
    await looking
  }
}

/** A doubt counts as no: it is then looked at properly. */
function isThere({ pid }: GameProcess): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    if (hasCode(error, 'ESRCH', 'EPERM')) return false
    throw error
  }
}
