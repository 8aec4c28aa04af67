/**
 * Jobs at local times of the fleet's zone, each due time once: whatever clocks skip or show twice, whoever sets them, and
 * however long the watch was off (what was missed is caught up with once, for the newest due time). The ledger of runs is
 * the truth; node-cron only says when to look there, and once a minute the watch's own clock does, since node-cron leaves
 * out the times that clocks jump over and sleeps on when they are set back.
 */
import cron from 'node-cron'
import { messageOf } from '../domain/failure.ts'
import { openZone } from '../domain/local-time.ts'
import { lastDue, parseCron } from '../domain/schedule.ts'
import type { Clock } from '../ports/clock.ts'
import { type Ledger, LedgerError, type ScheduleRun } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'

export interface Job {
  /** In the ledger and the log; unique for ever. */
  name: string
  /** Five fields: see domain/schedule.ts. */
  cron: string
  /** Resolves with what is worth a line in the log, rejects where it failed. `signal` fires when the watch stops. */
  run(signal: AbortSignal): Promise<string>
}

export interface SchedulePorts {
  ledger: Pick<Ledger, 'write' | 'run' | 'lastRun' | 'note'>
  clock: Clock
  log: Log
  /** IANA name of the zone that the expression's times are in. */
  timeZone: string
}

export interface Schedule {
  /** Runs what is due now and wasn't run. Resolves when that has ended. */
  check(): Promise<void>
  /** Resolves when the job, if it is running, has ended. */
  stop(): Promise<void>
}

/** Clocks may be set between two looks: then node-cron's timer is for a time that no longer comes. */
const lookEveryMs = 60_000
const wallStepMs = 1_000

/** Throws Error where the expression or the zone is none: those of fleet.yaml were checked with it. */
export function startSchedule(job: Job, ports: SchedulePorts): Schedule {
  const { ledger, clock, log, timeZone } = ports
  const parsed = parseCron(job.cron)
  if (parsed.kind === 'fault') throw new Error(`the job "${job.name}" has no schedule: ${parsed.fault}`)
  const { cron: times } = parsed
  const zone = openZone(timeZone)
  const stopping = new AbortController()
  /** What was due when the job was first heard of, with this expression in this zone: not caught up with. */
  let beginning: string | undefined
  let isLedgerAway = false
  let running: Promise<void> | undefined
  let aheadMs = clock.wall() - clock.now()
  let trigger = startTrigger()
  let next = clock.after(lookEveryMs, look)
  void check()

  function startTrigger() {
    return cron.schedule(job.cron, () => void check(), { name: job.name, timezone: timeZone, suppressMissedWarning: true })
  }

  function look(): void {
    next = clock.after(lookEveryMs, look)
    const nowAheadMs = clock.wall() - clock.now()
    if (Math.abs(nowAheadMs - aheadMs) > wallStepMs) {
      void trigger.destroy()
      trigger = startTrigger()
    }
    aheadMs = nowAheadMs
    void check()
  }

  /** One at a time: what falls due meanwhile is looked for at the end. */
  function check(): Promise<void> {
    running ??= runDue().finally(() => {
      running = undefined
    })
    return running
  }

  async function runDue(): Promise<void> {
    try {
      for (let due = await newDue(); due !== undefined && !stopping.signal.aborted; due = await newDue()) {
        const run: ScheduleRun = { job: job.name, due, startedMs: clock.now() }
        // Before it begins: a run that can't be written down might be done twice.
        await ledger.write([{ kind: 'run', run }])
        await ledger.write([{ kind: 'run', run: await perform(run) }])
      }
      isLedgerAway = false
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      if (!isLedgerAway) log.error({ job: job.name, err: error.message }, 'a job waits until the ledger can be read and written')
      isLedgerAway = true
    }
  }

  async function perform(run: ScheduleRun): Promise<ScheduleRun> {
    const { due } = run
    try {
      const detail = await job.run(stopping.signal)
      log.info({ job: job.name, due }, detail)
      return { ...run, endedMs: clock.now(), outcome: 'ok', detail }
    } catch (error) {
      const detail = messageOf(error)
      log.error({ job: job.name, due, err: detail }, 'a job failed: it is run again when it is due again')
      return { ...run, endedMs: clock.now(), outcome: 'failed', detail }
    }
  }

  /** The newest due time, where it wasn't run yet. */
  async function newDue(): Promise<string | undefined> {
    beginning ??= await begin()
    const due = lastDue(times, zone, clock.wall())?.name
    return due === undefined || due === beginning || ledger.run(job.name, due) ? undefined : due
  }

  async function begin(): Promise<string> {
    const interrupted = ledger.lastRun(job.name)
    if (interrupted && interrupted.outcome === undefined) {
      log.warn(
        { job: job.name, due: interrupted.due },
        'a job was interrupted by the end of the watch: it is run again when it is due again',
      )
      const run: ScheduleRun = { ...interrupted, endedMs: clock.now(), outcome: 'failed', detail: 'interrupted by the end of the watch' }
      await ledger.write([{ kind: 'run', run }])
    }
    const declaration = `${job.cron} ${timeZone} `
    const note = ledger.note(`schedule ${job.name}`)
    if (note?.startsWith(declaration)) return note.slice(declaration.length)
    const due = lastDue(times, zone, clock.wall())?.name ?? ''
    await ledger.write([{ kind: 'note', name: `schedule ${job.name}`, value: declaration + due }])
    return due
  }

  return {
    check,
    stop: async () => {
      stopping.abort()
      next.cancel()
      await trigger.destroy()
      await running
    },
  }
}
