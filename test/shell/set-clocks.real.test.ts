/** `towerwatch run` while somebody sets the clock on the wall: the real daemon, its gate and real agents, with libfaketime. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openLedger } from '../../src/adapters/ledger/sqlite.ts'
import type { Subject } from '../../src/domain/incident.ts'
import { tally } from '../../src/domain/uptime.ts'
import type { LookingMark } from '../../src/ports/ledger.ts'
import { programPath } from '../support/programs.ts'
import { until } from '../support/until.ts'

const cli = join(import.meta.dirname, '..', '..', 'src', 'cli.ts')
/** As long as a sweep may be away, and some more for a busy machine. */
const withinMs = 30_000

let folder: string
let running: ChildProcess[]

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'tw-clocks-')))
  running = []
  setWall('+0')
  writeFileSync(join(folder, 'secret'), 'hunter2-hunter2\n', { mode: 0o600 })
  const agents = ['steady', 'mortal'].map(
    (id) => `  ${id}:
    host: local
    heartbeat: { file: ${folder}/${id}.beat }
    period: 3s
    grace: 5s
    policy: off
    restart: { kind: command, start: ['true'] }
`,
  )
  writeFileSync(
    join(folder, 'fleet.yaml'),
    `version: 1
fleet: test
state: state
poll: 200ms
tower: { url: "ws://127.0.0.1:1/", account: towerwatch, password: { file: secret } }
hosts: { local: { kind: local } }
agents:
${agents.join('')}`,
  )
})
afterEach(async () => {
  for (const child of running.reverse()) await end(child, 'SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

/** The clock on the wall of everything that the watch starts is ahead of this machine's by so many seconds. */
function setWall(ahead: string): void {
  writeFileSync(join(folder, 'wall.new'), ahead)
  renameSync(join(folder, 'wall.new'), join(folder, 'wall'))
}

/** The library that `faketime` puts before a program; the program itself would set one time for good. */
function fakeLibrary(): string {
  const libraries = join(dirname(dirname(programPath('faketime'))), 'lib')
  const found = readdirSync(libraries)
    .map((architecture) => join(libraries, architecture, 'faketime', 'libfaketimeMT.so.1'))
    .find((file) => existsSync(file))
  if (found === undefined) throw new Error(`faketime is installed without its library below ${libraries}`)
  return found
}

/** An agent that beats twice a second until it is killed. It knows nothing of false clocks. */
function startAgent(id: string): ChildProcess {
  const script = `while :; do date +%s%N >${id}.new && mv -f ${id}.new ${id}.beat; sleep 0.5; done`
  const child = spawn('/bin/sh', ['-c', script], { cwd: folder, stdio: 'ignore' })
  running.push(child)
  return child
}

async function startWatch() {
  const child = spawn(process.execPath, [cli, 'run'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      LD_PRELOAD: fakeLibrary(),
      FAKETIME_TIMESTAMP_FILE: join(folder, 'wall'),
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    },
  })
  running.push(child)
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk))
  const log = (): { msg: string; steppedMs?: number }[] =>
    text
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line))
  await until(() => state('steady') === 'up' && state('mortal') === 'up', { withinMs, what: () => `both agents up: ${text}` })
  return { child, text: () => text, steps: () => log().flatMap(({ steppedMs }) => steppedMs ?? []) }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill(signal)
  await ended
}

function ledger() {
  return openLedger(join(folder, 'state', 'ledger.sqlite'), 'read')
}
const timeline = (id: string) => {
  const subject: Subject = { kind: 'agent', id }
  const opened = ledger()
  const found = opened.timeline(subject, 0)
  void opened.close()
  return found
}
const state = (id: string) => {
  try {
    return timeline(id).at(-1)?.state
  } catch {
    // There is no ledger before the watch has made it.
    return undefined
  }
}
function looked(): LookingMark | undefined {
  const opened = ledger()
  const looking = opened.looking()
  void opened.close()
  return looking
}

it('takes nobody for dead, misses no death, and measures as if nobody had', async () => {
  startAgent('steady')
  const mortal = startAgent('mortal')
  const first = await startWatch()
  const firstMark = await until(looked, { withinMs, what: 'a mark that the watch looks' })
  const firstMarkAt = performance.now()
  const hour = 3_600
  let aheadS = 0
  for (const stepS of [hour, -hour, 24 * hour, -24 * hour]) {
    aheadS += stepS
    const told = first.steps().length
    setWall(`${aheadS >= 0 ? '+' : ''}${aheadS}`)
    await until(() => first.steps().length > told, { withinMs, what: () => `the step to be noticed: ${first.text()}` })
    expect(Math.abs((first.steps().at(-1) ?? 0) - stepS * 1_000)).toBeLessThan(1_000)
    // Somebody whose silence is measured by the wall would be down at the next look.
    const seenMs = looked()?.atMs ?? 0
    await until(() => (looked()?.atMs ?? 0) >= seenMs + 4_000, { withinMs, what: () => `the watch to look on: ${first.text()}` })
    expect([state('steady'), state('mortal')]).toEqual(['up', 'up'])
  }
  expect(first.steps()).toHaveLength(4)

  // A death is found as ever, and its time is right.
  const killedMs = (looked()?.atMs ?? 0) + 1
  mortal.kill('SIGKILL')
  setWall(`-${hour}`)
  await until(() => state('mortal') === 'down', { withinMs, what: () => `the death to be found: ${first.text()}` })
  const fell = timeline('mortal').find(({ state }) => state === 'down')
  // Silent for three and five seconds, from the last beat on, which was within half a second of the kill.
  expect(Math.abs((fell?.atMs ?? 0) - killedMs - 8_000)).toBeLessThan(6_500)

  // A restart with the clock set back by a day: time goes on where it was.
  await end(first.child, 'SIGTERM')
  const stopped = { mark: looked(), at: performance.now() }
  setWall(`-${24 * hour}`)
  startAgent('mortal')
  await startWatch()
  const lookedAgain = await until(() => (looked()?.atMs ?? 0) > (stopped.mark?.atMs ?? 0) && looked(), { withinMs, what: 'another mark' })
  const lastMarkAt = performance.now()

  const steady = timeline('steady')
  expect(steady.filter(({ state }) => state === 'down' || state === 'late')).toEqual([])
  const [, unknown, again] = steady.filter(({ state }, index) => index === 0 || state !== steady[index - 1]?.state).slice(-3)
  expect([unknown?.state, again?.state]).toEqual(['unknown', 'up'])
  // Until the wall clock was read a sweep may have gone by, here and there.
  const measuredMs = lookedAgain.atMs - firstMark.atMs
  expect(Math.abs(measuredMs - (lastMarkAt - firstMarkAt))).toBeLessThan(1_000)
  const sum = tally(steady, firstMark.atMs, lookedAgain.atMs)
  expect(sum.downMs).toBe(0)
  expect(sum.upMs + sum.unknownMs).toBe(measuredMs)
}, 180_000)
