/** Calls an outside dead man's switch while the watch is well. When the calls stop coming, whoever runs it calls a person. */
import { type OwnHealth, ownTrouble } from '../domain/own-beat.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import { type Outside, OutsideError } from '../ports/outside.ts'

export interface OutsidePingPorts {
  outside: Outside
  everyMs: number
  clock: Clock
  log: Log
  health(): OwnHealth
}

export function startOutsidePing(ports: OutsidePingPorts): { stop(): Promise<void> } {
  const { outside, everyMs, clock, log } = ports
  const stopping = new AbortController()
  /** Said once per change; undefined while all is well. */
  let said: string | undefined
  let underWay = Promise.resolve()
  let timer: { cancel(): void } | undefined

  function say(trouble: string | undefined): void {
    if (trouble === said) return
    said = trouble
    if (trouble === undefined) log.info({}, "the outside dead man's switch is called again")
    else log.warn({ trouble }, "the outside dead man's switch was not called")
  }

  async function ping(): Promise<void> {
    const trouble = ownTrouble(ports.health())
    if (trouble !== undefined) return say(trouble)
    try {
      await outside.call('well', stopping.signal)
      say(undefined)
    } catch (error) {
      if (stopping.signal.aborted) return
      // Anything but an OutsideError may hold the URL in its text.
      say(error instanceof OutsideError ? error.message : 'the call failed by a fault of its own')
    }
  }

  function round(): void {
    underWay = ping().then(() => {
      if (!stopping.signal.aborted) timer = clock.after(everyMs, round)
    })
  }
  // Not at once: the first sweep has to come first, and a watch that falls over at its start is not well.
  timer = clock.after(Math.min(everyMs, firstMs), round)

  return {
    stop: async () => {
      stopping.abort()
      timer?.cancel()
      await underWay
    },
  }
}

const firstMs = 10_000
