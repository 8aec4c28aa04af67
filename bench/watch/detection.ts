/**
 * How soon a death is noticed: the real watch and monit look at the same process, which is killed again and again; first by
 * itself, then while another agent of the same host is in a crash loop that both bring back all the time.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isAlive, killHard } from '../../test/support/processes.ts'
import { until } from '../../test/support/until.ts'
import type { BenchmarkContext, Comparison, Figure, Outcome } from '../benchmark.ts'
import { lastNoticedMs } from '../noticed.ts'
import { percentile } from '../statistics.ts'
import { pause } from '../tower/pause.ts'
import { findMonit, startProgram } from '../tower/programs.ts'

const deathsAlone = 20
const deathsBeside = 12
/** Steps of this size spread over a second as evenly as any, however many there are. */
const goldenMs = 618.034
const worker = join(import.meta.dirname, 'worker.sh')

/** Milliseconds from the kill until it was noticed, one for each death. */
interface Noticed {
  ours: number[]
  monit: number[]
}

/** Keys `detection_p50_ms`, `detection_beside_loop_p50_ms`; ratio `detection_vs_monit`. */
export async function measureDetection(context: BenchmarkContext): Promise<Outcome> {
  const { root, say, signal } = context
  const monit = await findMonit(join(root, 'var', 'bench', 'monit'), say)
  const folder = mkdtempSync(join(tmpdir(), 'towerwatch-detection-'))
  await using ending = new AsyncDisposableStack()
  ending.defer(() => rmSync(folder, { recursive: true, force: true }))
  const stage = openStage(folder)
  ending.defer(() => stage.close())
  await stage.start('steady')
  const watch = startWatch(root, folder)
  ending.defer(() => endOf(watch))
  await until(() => stage.noticedMs('up'), { withinMs: 30_000, what: 'the watch to see the agent' })
  const path = 'path' in monit ? monit.path : undefined
  const rival = path === undefined ? undefined : await startProgram(path, ['-I', '-c', monitSettings(folder, 'alone')], '')
  ending.defer(async () => rival?.stop())

  const alone = await deaths(stage, deathsAlone, path !== undefined, signal)
  say(`deaths alone: ours p50 ${percentile(alone.ours, 50).toFixed(0)} ms`)
  await rival?.stop()
  writeFileSync(join(folder, 'looper', 'may-start'), '')
  // The watch brings back only whom it has seen alive.
  stage.startLooper()
  const second = path === undefined ? undefined : await startProgram(path, ['-I', '-c', monitSettings(folder, 'beside')], '')
  ending.defer(async () => second?.stop())
  await until(() => existsSync(join(folder, 'looper', 'pid')), { withinMs: 120_000, what: 'the crash loop to begin' })
  const beside = await deaths(stage, deathsBeside, path !== undefined, signal)
  say(`deaths beside a crash loop: ours p50 ${percentile(beside.ours, 50).toFixed(0)} ms`)
  return {
    figures: { ...figures('detection', alone, 'alone'), ...figures('detection_beside_loop', beside, 'beside an agent in a crash loop') },
    comparisons: comparisons(),
    leftOut: 'missing' in monit ? [`Monit's detection: ${monit.missing}.`] : [],
  }
}

function figures(name: string, { ours, monit }: Noticed, where: string): Record<string, Figure> {
  const ms = (value: number, whose: Figure['whose'], means: string): Figure => ({ value, unit: 'ms', better: 'lower', whose, means })
  const worst = (samples: number[]) => percentile(samples, 100)
  return {
    [`${name}_p50_ms`]: ms(percentile(ours, 50), 'ours', `kill -9 to the watch's decision in its ledger, ${ours.length} deaths ${where}`),
    [`${name}_max_ms`]: ms(worst(ours), 'ours', 'the same, the worst'),
    ...(monit.length > 0 && {
      [`monit_${name}_p50_ms`]: ms(percentile(monit, 50), 'theirs', `kill -9 to monit's own action, cycle of 1 s, ${where}`),
      [`monit_${name}_max_ms`]: ms(worst(monit), 'theirs', 'the same, the worst'),
    }),
  }
}

function comparisons(): Record<string, Comparison> {
  return {
    detection_vs_monit: { ours: 'detection_p50_ms', theirs: 'monit_detection_p50_ms' },
    detection_beside_loop_vs_monit: { ours: 'detection_beside_loop_p50_ms', theirs: 'monit_detection_beside_loop_p50_ms' },
    detection_beside_loop_vs_alone: { ours: 'detection_beside_loop_p50_ms', theirs: 'detection_p50_ms' },
  }
}

async function deaths(stage: Stage, count: number, isMonitThere: boolean, signal: AbortSignal): Promise<Noticed> {
  const noticed: Noticed = { ours: [], monit: [] }
  for (let number = 1; number <= count; number++) {
    await pause(2_000 + ((number * goldenMs) % 1_000), signal)
    const pid = stage.pid('steady')
    const killedMs = Date.now()
    process.kill(pid, 'SIGKILL')
    const ours = await until(async () => later(await stage.noticedMs('down'), killedMs), {
      withinMs: 60_000,
      what: 'the watch to notice a death',
    })
    noticed.ours.push(ours - killedMs)
    if (isMonitThere) {
      const theirs = await until(() => later(stage.monitMs(), killedMs), { withinMs: 120_000, what: 'monit to notice a death' })
      noticed.monit.push(theirs - killedMs)
    }
    await stage.start('steady')
    await until(async () => later(await stage.noticedMs('up'), killedMs), { withinMs: 60_000, what: 'the watch to see it back' })
    if (isMonitThere) await until(() => later(stage.monitMs('back'), killedMs), { withinMs: 120_000, what: 'monit to see it back' })
  }
  return noticed
}

function later(ms: number | undefined, thanMs: number): number | undefined {
  return ms !== undefined && ms > thanMs ? ms : undefined
}

interface Stage {
  start(agent: string): Promise<void>
  /** Its first life; the others are the watch's and monit's doing. */
  startLooper(): void
  pid(agent: string): number
  /** When the watch last noticed that the steady agent went into this state, by the wall clock. */
  noticedMs(state: 'up' | 'down'): Promise<number | undefined>
  /** When monit last said of it that it is dead (or back). */
  monitMs(what?: 'dead' | 'back'): number | undefined
  close(): Promise<void>
}

function openStage(folder: string): Stage {
  const started: ChildProcess[] = []
  for (const agent of ['steady', 'looper']) mkdirSync(join(folder, agent))
  // Nobody starts the looper before its time: until then its start command fails.
  const starter = `#!/bin/sh\n[ -e ${folder}/looper/may-start ] || exit 1\nexec ${worker} ${folder}/looper 2\n`
  writeFileSync(join(folder, 'start-looper'), starter, { mode: 0o755 })
  const detached = `#!/bin/sh\nsetsid ${folder}/start-looper </dev/null >/dev/null 2>&1 &\n`
  writeFileSync(join(folder, 'start-looper-detached'), detached, { mode: 0o755 })
  writeFileSync(join(folder, 'secret'), 'no game is there\n', { mode: 0o600 })
  const say = `#!/bin/sh\ndate +%s%3N >>${folder}/monit.$1\n`
  writeFileSync(join(folder, 'say'), say, { mode: 0o755 })
  writeFileSync(join(folder, 'fleet.yaml'), fleetFile(folder))
  const pid = (agent: string) => Number(readFileSync(join(folder, agent, 'pid'), 'utf8'))
  return {
    pid,
    startLooper: () => void started.push(spawn(join(folder, 'start-looper'), { stdio: 'ignore', cwd: folder })),
    start: async (agent) => {
      const child = spawn(worker, [join(folder, agent)], { stdio: 'ignore', cwd: folder })
      started.push(child)
      await until(() => existsSync(join(folder, agent, 'pid')) && pid(agent) === child.pid, { withinMs: 10_000, what: `${agent} to start` })
    },
    noticedMs: (state) => lastNoticedMs(join(folder, 'state', 'ledger.sqlite'), 'steady', state),
    monitMs: (what = 'dead') => {
      const file = join(folder, `monit.${what}`)
      if (!existsSync(file)) return undefined
      return Number(readFileSync(file, 'utf8').trim().split('\n').at(-1))
    },
    close: async () => {
      rmSync(join(folder, 'looper', 'may-start'), { force: true })
      for (const child of started) if (child.pid !== undefined) killHard(child.pid)
      const looper = join(folder, 'looper', 'pid')
      // It dies by itself within two seconds.
      if (existsSync(looper)) await until(() => !isAlive(pid('looper')), { withinMs: 10_000, what: 'the crash loop to end' })
    },
  }
}

function fleetFile(folder: string): string {
  const heartbeat = (agent: string) => `{ file: ${folder}/${agent}/beat, format: json }`
  return `version: 1
fleet: detection
state: state
tower: { url: "ws://127.0.0.1:1/", account: towerwatch, password: { file: secret } }
remedies: { budget: off, agentBudget: off, crashLoop: off }
health: { disk: off, inodes: off, memory: off, swap: off, load: off, clock: off, fullWithin: off }
hosts: { local: { kind: local } }
agents:
  steady:
    host: local
    heartbeat: ${heartbeat('steady')}
    period: 5s
    grace: 25s
    policy: off
    restart: { kind: process, start: [${worker}, ${folder}/steady], pidFile: ${folder}/steady/pid, log: ${folder}/steady/log }
  looper:
    host: local
    heartbeat: ${heartbeat('looper')}
    period: 5s
    grace: 25s
    policy: auto
    startGrace: 2s
    restart: { kind: process, start: [${folder}/start-looper], pidFile: ${folder}/looper/pid, log: ${folder}/looper/log }
`
}

/** `beside`: with the crash loop. Monit waits for what it starts, so it must not know that one before its time. */
function monitSettings(folder: string, which: 'alone' | 'beside'): string {
  const file = join(folder, `monitrc-${which}`)
  const looper = `check process looper with pidfile ${folder}/looper/pid
  start program = "${folder}/start-looper-detached"
  if does not exist then start
`
  const settings = `set daemon 1
set pidfile ${join(folder, 'monit.pid')}
set idfile ${join(folder, 'monit.id')}
set statefile ${join(folder, 'monit.state')}
check process steady with pidfile ${folder}/steady/pid
  if does not exist then exec "${folder}/say dead" else if succeeded then exec "${folder}/say back"
${which === 'beside' ? looper : ''}`
  writeFileSync(file, settings, { mode: 0o600 })
  return file
}

function startWatch(root: string, folder: string): ChildProcess {
  return spawn(process.execPath, [join(root, 'bin', 'towerwatch.js'), 'run'], { cwd: folder, stdio: 'ignore' })
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  await ended
}
