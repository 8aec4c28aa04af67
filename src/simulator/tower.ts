/** A Tower that is told by the outbox: it says each alert once, whatever is sent twice, and is away at times. */
import type { AlertRecord } from '../ports/ledger.ts'
import type { Stage } from './stage.ts'

export interface SimulatedTower {
  /** All that was said there, in this order. */
  readonly said: readonly { atMs: number; alert: AlertRecord }[]
  /** Sent again although it had been said: told apart by its id, and not said again. */
  repeats(): number
  /** There may be something in the outbox. */
  alertsWaiting(): void
  setUp(isUp: boolean): void
}

const latencyMs = 150
const atOnce = 32

export function simulatedTower(stage: Stage): SimulatedTower {
  const { clock } = stage
  const said: { atMs: number; alert: AlertRecord }[] = []
  const known = new Set<string>()
  let repeats = 0
  let isUp = true
  let isFetching = false

  function alertsWaiting(): void {
    if (isFetching || !isUp) return
    isFetching = true
    clock.after(latencyMs, fetch)
  }

  function fetch(): void {
    isFetching = false
    const outbox = stage.isPaused() ? undefined : stage.engine()?.outbox
    if (!isUp || !outbox) return
    const alerts = outbox.untold('tower', atOnce)
    for (const alert of alerts) {
      if (known.has(alert.id)) repeats++
      else {
        known.add(alert.id)
        said.push({ atMs: clock.now(), alert })
      }
      outbox.told('tower', alert.id)
    }
    if (alerts.length > 0) alertsWaiting()
  }

  return {
    said,
    repeats: () => repeats,
    alertsWaiting,
    setUp: (next) => {
      isUp = next
      if (isUp) alertsWaiting()
    },
  }
}
