/**
 * How long to wait before the next connection. Pure: chance comes in as a number.
 *
 * Full jitter (a random part of a bound that doubles) so that many watches do not come back in step after an outage.
 * A refused login is different: five refusals within five minutes lock every player of this address out of the game.
 */

export interface Backoff {
  /** Connections in a row that did not work, by why. */
  failures: number
  refusals: number
}

export const freshBackoff: Backoff = { failures: 0, refusals: 0 }

const FIRST_MS = 500
const CAP_MS = 10_000
const LEAST_MS = 100
const UNTRUSTED_MS = 60_000
const REFUSED_FIRST_MS = 120_000
const REFUSED_CAP_MS = 1_800_000

/**
 * `random` is in [0, 1). The first wait is at most half a second, later ones at most ten: people stand in the game and wait.
 */
export function afterFailure(backoff: Backoff, random: number): { waitMs: number; next: Backoff } {
  const bound = Math.min(CAP_MS, FIRST_MS * 2 ** Math.min(backoff.failures, 16))
  return { waitMs: Math.max(LEAST_MS, Math.round(random * bound)), next: { ...backoff, failures: backoff.failures + 1 } }
}

/** At least two minutes plus up to a quarter of jitter; doubles up to half an hour. */
export function afterRefusal(backoff: Backoff, random: number): { waitMs: number; next: Backoff } {
  const base = Math.min(REFUSED_CAP_MS, REFUSED_FIRST_MS * 2 ** Math.min(backoff.refusals, 16))
  return { waitMs: Math.round(base * (1 + random / 4)), next: { ...backoff, refusals: backoff.refusals + 1 } }
}

/** A certificate that is wrong stays so until somebody mends it, who then looks whether it worked: a minute and a bit, each time. */
export function afterUntrusted(backoff: Backoff, random: number): { waitMs: number; next: Backoff } {
  return { waitMs: Math.round(UNTRUSTED_MS * (1 + random / 4)), next: backoff }
}
