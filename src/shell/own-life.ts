/** What a running watch shows of itself: its own beat for the deadman, and the calls to an outside dead man's switch. */
import { systemClock } from '../adapters/clock.ts'
import { httpOutside } from '../adapters/http/outside.ts'
import { ownBeatFile } from '../adapters/own-beat/beat-file.ts'
import type { Config } from '../config/config.ts'
import type { LedgerState, TowerState } from '../domain/own-beat.ts'
import type { AlertRecord } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import type { Machine } from '../ports/own-beat.ts'
import { startOutsidePing } from '../watches/outside-ping.ts'
import { startOwnBeat } from '../watches/own-beat.ts'

/** What a watch tells of itself. */
interface OwnWatch {
  own(): { ledger: LedgerState; tower: TowerState; sinceSweepMs: number | undefined }
  /** Has it told in the Tower like any other alert; resolves when it is durable that it will be. */
  announce(alert: AlertRecord): Promise<void>
}

export interface OwnLife {
  /** The watch is up: from now on the beat says how it does. */
  watches(watch: OwnWatch): void
  /** in-order: a person wants it to be stopped, and the deadman leaves it so. failed: it could not go on. */
  stop(how: 'in-order' | 'failed'): Promise<void>
}

const callMs = 10_000

/**
 * Begins to beat at once. Call it when it is sure that no other watch runs on this state folder, and before anything that
 * may take long.
 */
export function startOwnLife(config: Config, machine: Machine, log: Log): OwnLife {
  let watch: OwnWatch | undefined
  let ping: { stop(): Promise<void> } | undefined
  const { promise: isUp, resolve: up } = Promise.withResolvers<OwnWatch>()
  const beat = startOwnBeat({
    file: ownBeatFile(config.stateDir),
    machine,
    pid: process.pid,
    clock: systemClock,
    log,
    look: () => {
      if (!watch) return { ledger: 'starting', tower: 'starting' }
      const { ledger, tower } = watch.own()
      return { ledger, tower }
    },
    outageOver: async (alert) => (await isUp).announce(alert),
  })
  return {
    watches: (started) => {
      watch = started
      up(started)
      const { everyMs, ping: url } = config.deadman
      if (!url) return
      ping = startOutsidePing({
        outside: httpOutside({ url: url.reveal(), timeoutMs: callMs }),
        everyMs,
        clock: systemClock,
        log,
        health: () => ({ sinceSweepMs: started.own().sinceSweepMs, lagMs: beat.lagMs() }),
      })
    },
    stop: async (how) => {
      await ping?.stop()
      await beat.stop(how)
    },
  }
}
