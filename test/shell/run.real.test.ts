/** `towerwatch run` as a user has it: a real child process, a real worker, the shell's commands beside it; no game. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openLedger } from '../../src/adapters/ledger/sqlite.ts'
import type { Ledger } from '../../src/ports/ledger.ts'
import { until } from '../support/until.ts'

const root = join(import.meta.dirname, '..', '..')
const cli = join(root, 'src', 'cli.ts')
const worker = `#!/bin/sh
n=0
while :; do
  n=$((n + 1))
  printf '{"at":%s,"pid":%s,"seq":%s,"busy":true,"doing":"work %s"}' "$(date +%s)" "$$" "$n" "$n" >beat.new && mv -f beat.new beat
  sleep 0.5
done
`

let folder: string
let running: ChildProcess[] = []

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'tw-run-')))
  writeFileSync(join(folder, 'worker.sh'), worker, { mode: 0o755 })
  writeFileSync(join(folder, 'secret'), 'hunter2-hunter2\n', { mode: 0o600 })
  writeFleet()
})

afterEach(async () => {
  for (const child of running) await stop(child)
  running = []
  killWorker()
  rmSync(folder, { recursive: true, force: true })
})

function writeFleet(more = ''): void {
  writeFileSync(
    join(folder, 'fleet.yaml'),
    `version: 1
fleet: test
state: state
poll: 200ms
tower: { url: "ws://127.0.0.1:1/", account: towerwatch, password: { file: secret } }
hosts: { local: { kind: local } }
agents:
  bezalel:
    host: local
    heartbeat: { file: ${folder}/beat }
    period: 2s
    grace: 3s
    policy: off
    stopGrace: 2s
    restart: { kind: process, start: [${folder}/worker.sh], pidFile: ${folder}/pid, log: ${folder}/log, cwd: ${folder} }
${more}`,
  )
}

interface Run {
  child: ChildProcess
  log(): { msg: string; faults?: string[] }[]
  text(): string
}

async function startWatch(): Promise<Run> {
  const child = spawn(process.execPath, [cli, 'run'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  running.push(child)
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (text += chunk))
  const log = () =>
    text
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line))
  const run = { child, log, text: () => text }
  await until(() => log().some(({ msg }) => msg === 'the host answers') || child.exitCode !== null, {
    withinMs: 20_000,
    what: () => `the watch to look: ${text}`,
  })
  return run
}

async function stop(child: ChildProcess, signal: NodeJS.Signals = 'SIGINT'): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  child.kill(signal)
  return ended
}

async function towerwatch(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, [cli, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => (out += chunk))
  child.stderr.on('data', (chunk) => (err += chunk))
  const code = await new Promise<number>((resolve) => child.once('close', (status) => resolve(status ?? -1)))
  return { code, out, err }
}

/** With its children: an `mv` that outlives it would bring one more beat of a life that has ended. */
function killWorker(): void {
  for (const sign of [-1, 1]) {
    try {
      process.kill(sign * Number(readFileSync(join(folder, 'pid'), 'utf8')), 'SIGKILL')
    } catch {
      // It was never started, or is dead already: both are what is wanted here.
    }
  }
}

function ledger<T>(look: (ledger: Ledger) => T): T {
  const opened = openLedger(join(folder, 'state', 'ledger.sqlite'), 'read')
  try {
    return look(opened)
  } finally {
    void opened.close()
  }
}

const state = async () => JSON.parse((await towerwatch('status', '--json')).out).agents[0].state
const becomes = (wanted: string) => until(async () => (await state()) === wanted, { withinMs: 20_000, what: `bezalel to be ${wanted}` })

describe('towerwatch run', () => {
  it('lets the shell start an agent, see it, and bring it back after its death; every act is audited as the shell user’s', async () => {
    await startWatch()
    const first = await towerwatch('restart', 'bezalel')
    expect(first).toMatchObject({ code: 0 })
    expect(first.out).toMatch(/bezalel is back: a beat of its new life came/)
    expect(first.err).toMatch(/start: .*\n(.*\n)*verify: /)
    await becomes('up')

    killWorker()
    await becomes('down')
    const again = await towerwatch('restart', 'bezalel', '--json')
    expect(JSON.parse(again.out)).toMatchObject({ status: 'ok', agent: 'bezalel' })
    await becomes('up')

    const incidents = JSON.parse((await towerwatch('incidents', '--json')).out).incidents
    expect(incidents).toMatchObject([{ number: 1, agent: 'bezalel', cause: 'process-gone' }])
    const audit = ledger((opened) => opened.operations({ operation: 'restart', limit: 10 }))
    expect(audit.map(({ actor, via, status }) => [actor.kind, via, status])).toEqual([
      ['shell', 'shell', 'ok'],
      ['shell', 'shell', 'ok'],
    ])
  })

  it('loses nothing by kill -9 and announces nothing anew when it is started again', async () => {
    const first = await startWatch()
    await towerwatch('restart', 'bezalel')
    killWorker()
    await becomes('down')
    const untold = () => ledger((opened) => opened.untold('tower', 100))
    const before = await until(() => untold().length > 0 && untold(), { withinMs: 10_000, what: 'an alert about the death' })
    await stop(first.child, 'SIGKILL')

    await startWatch()
    await becomes('down')
    expect(untold()).toEqual(before)
    expect(before.map(({ kind, subjects }) => [kind, subjects[0]?.id])).toEqual([['problem', 'bezalel']])

    await towerwatch('restart', 'bezalel')
    await becomes('up')
    await until(() => untold().length > 1, { withinMs: 10_000, what: 'an alert about the return' })
    expect(untold().map(({ text }) => text)).toEqual([
      expect.stringMatching(/^bezalel is down: its process is gone/),
      expect.stringMatching(/^bezalel is back up after \d+ s/),
    ])
  })

  it('keeps the last good fleet.yaml when the new one has faults, names them all, and takes the mended one', async () => {
    const watch = await startWatch()
    writeFleet('  ezra: { host: locl, hearbeat: { file: /x } }\n')
    watch.child.kill('SIGHUP')
    const told = await until(() => watch.log().find(({ faults }) => faults), { withinMs: 10_000, what: 'the faults in the log' })
    expect(told.faults).toContainEqual(expect.stringMatching(/fleet\.yaml:16: agents\.ezra\.hearbeat: .*did you mean "heartbeat"/))
    expect(told.faults).toContainEqual(expect.stringMatching(/fleet\.yaml:16: agents\.ezra\.host: .*did you mean "local"/))
    expect(JSON.parse((await towerwatch('status', '--json', '--config', goodCopy())).out).agents).toHaveLength(1)

    writeFleet(`  ezra: { host: local, heartbeat: { file: ${folder}/other }, restart: { kind: command, start: ["true"] } }\n`)
    watch.child.kill('SIGHUP')
    await until(async () => JSON.parse((await towerwatch('status', '--json')).out).agents.length === 2, {
      withinMs: 10_000,
      what: 'two agents',
    })
  })

  it('refuses to run twice on one ledger, and stops in order on the first of two Ctrl-C', async () => {
    const watch = await startWatch()
    const second = await towerwatch('run')
    expect(second.code).toBe(1)
    expect(second.err).toMatch(/another watch is running already/)

    watch.child.kill('SIGINT')
    watch.child.kill('SIGINT')
    expect(await stop(watch.child)).toBe(0)
    const after = await towerwatch('status')
    expect(after.code).toBe(3)
    expect(after.err).toMatch(/No watch is running here.*towerwatch run/)
  })

  it('tells its secrets to nobody: not in the log, not in what the shell shows; and its files are its user’s alone', async () => {
    const watch = await startWatch()
    await until(() => watch.text().includes('No connection to the Tower'), { withinMs: 10_000, what: 'a try to connect' })
    const shown = [
      watch.text(),
      ...(await Promise.all([towerwatch('status', '--json'), towerwatch('health'), towerwatch('check', '--json')])).map(
        ({ out, err }) => out + err,
      ),
    ]
    for (const text of shown) expect(text).not.toContain('hunter2')
    const mode = (name: string) => (statSync(join(folder, 'state', name)).mode & 0o777).toString(8)
    expect([mode('.'), mode('ledger.sqlite'), mode('towerwatch.sock')]).toEqual(['700', '600', '600'])
  })
})

/** The shell's commands read fleet.yaml, too: this one names the same state folder and has no faults. */
function goodCopy(): string {
  const copy = join(folder, 'good.yaml')
  const text = readFileSync(join(folder, 'fleet.yaml'), 'utf8')
  mkdirSync(folder, { recursive: true })
  writeFileSync(copy, text.slice(0, text.indexOf('  ezra:')))
  return copy
}
