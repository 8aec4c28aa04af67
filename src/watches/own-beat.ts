/** The watch says that it lives, every five seconds, in a file of its own: the deadman reads it. */
import { backAlertId, backSentence, type Outage } from '../domain/deadman.ts'
import { messageOf } from '../domain/failure.ts'
import { type LedgerState, type OwnBeat, ownBeatEveryMs, type TowerState } from '../domain/own-beat.ts'
import type { Clock } from '../ports/clock.ts'
import type { AlertRecord } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import type { Machine, OwnBeatFile } from '../ports/own-beat.ts'

export interface OwnBeatPorts {
  file: OwnBeatFile
  machine: Machine
  pid: number
  clock: Clock
  log: Log
  /** How the rest of the watch does; asked at each beat. */
  look(): { ledger: LedgerState; tower: TowerState }
  /**
   * The deadman told people that the watch was gone. Resolves when it is durable that they will be told of its return. The
   * alert's id is the deadman's own for that, so that the Tower says it once, whoever tells it.
   */
  outageOver(alert: AlertRecord): Promise<void>
}

export interface OwnBeatWatch {
  /** How much later than due the event loop came to the last beat. */
  lagMs(): number
  /** in-order: somebody wants the watch to be stopped, so the deadman leaves it so. failed: it could not go on. */
  stop(how: 'in-order' | 'failed'): Promise<void>
}

export function startOwnBeat(ports: OwnBeatPorts): OwnBeatWatch {
  const { file, machine, clock, log } = ports
  let epoch: string | undefined
  let seq = 0
  let lagMs = 0
  let isWritten = true
  let isStopped = false
  let timer: { cancel(): void } | undefined
  /** Outages of which this watch tells the end: the id, once that is durable. */
  let tells: string | undefined
  const begun = new Set<string>()
  let underWay = Promise.resolve()

  async function write(more: Pick<OwnBeat, 'stoppedAt'> = {}): Promise<void> {
    try {
      epoch ??= await ownEpoch()
      const { boot, bootMs } = machine.now()
      seq += 1
      const beat = { at: clock.wall(), pid: ports.pid, epoch, boot, bootMs, seq, ...ports.look(), lagMs: Math.round(lagMs) }
      await file.write({ ...beat, ...(tells !== undefined && { tells }), ...more })
      if (!isWritten) log.info({}, "the watch's own beat can be written again")
      isWritten = true
    } catch (error) {
      if (isWritten) log.error({ err: messageOf(error) }, "the watch's own beat can't be written: the deadman may take the watch for dead")
      isWritten = false
    }
  }

  async function ownEpoch(): Promise<string> {
    const own = await machine.epochOf(ports.pid)
    return own.kind === 'alive' ? own.epoch : `${machine.now().boot}:unknown`
  }

  async function lookForOutage(): Promise<void> {
    let outage: Outage | undefined
    try {
      outage = await file.outage()
    } catch (error) {
      log.debug({ err: messageOf(error) }, "the deadman's note can't be read")
      return
    }
    if (tells !== undefined && outage?.id !== tells) tells = undefined
    if (!outage?.isTold || begun.has(outage.id)) return
    const { id } = outage
    begun.add(id)
    // The deadman's times are by the wall clock.
    const text = backSentence(outage, clock.wall())
    log.info({ outage: id }, text)
    ports.outageOver({ id: backAlertId(outage), kind: 'notice', subjects: [], incidents: [], at: clock.now(), text }).then(
      () => {
        tells = id
      },
      (error: unknown) => {
        begun.delete(id)
        log.error({ err: messageOf(error) }, 'the return of the watch could not be noted; it is tried again')
      },
    )
  }

  function beat(dueMs: number): void {
    lagMs = Math.max(0, clock.now() - dueMs)
    underWay = write()
      .then(lookForOutage)
      .then(() => {
        if (isStopped) return
        const nextMs = clock.now() + ownBeatEveryMs
        timer = clock.after(ownBeatEveryMs, () => beat(nextMs))
      })
  }
  beat(clock.now())

  return {
    lagMs: () => lagMs,
    stop: async (how) => {
      if (isStopped) return
      isStopped = true
      timer?.cancel()
      await underWay
      // A watch that failed says nothing: its silence is what brings it back.
      if (how === 'in-order') await write({ stoppedAt: clock.wall() })
    },
  }
}
