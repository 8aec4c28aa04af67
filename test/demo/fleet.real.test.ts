/** The demo's processes, for real: sshd, tmux and workers. The Tower and the watch are put in by these tests. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findWorkers } from '../../src/demo/find-workers.ts'
import { readInfo } from '../../src/demo/info.ts'
import { type Layout, layoutIn } from '../../src/demo/layout.ts'
import { descendants, identify, isAlive, type ProcessIdentity } from '../../src/demo/processes.ts'
import { hangAgent, killAgent } from '../../src/demo/prod.ts'
import { run } from '../../src/demo/programs.ts'
import { readRecords } from '../../src/demo/records.ts'
import { type DemoParts, type RunningDemo, startDemo } from '../../src/demo/stage.ts'
import { until } from '../support/until.ts'
import { demoParts, place } from './parts.ts'

let base: string
let varDir: string
let layout: Layout
let said: string[]
let running: RunningDemo[]

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'demo-test-'))
  varDir = base
  layout = layoutIn(varDir)
  said = []
  running = []
})

afterEach(async () => {
  for (const demo of running) await demo.stop()
  rmSync(base, { recursive: true, force: true })
})

async function start(parts: Partial<DemoParts> = {}, signal = new AbortController().signal): Promise<RunningDemo> {
  const print = (text: string) => said.push(text)
  const demo = await startDemo({ root: varDir, varDir, print, signal }, { ...demoParts(varDir), ...parts })
  if (demo === 'aborted') throw new Error('the demo was aborted')
  running.push(demo)
  return demo
}

function info() {
  return readInfo(layout.info)
}

function agent(id: string) {
  const found = info().agents.find((each) => each.id === id)
  if (!found) throw new Error(`${id} is not in info.json`)
  return found
}

function pane(id: string, format: string): Promise<string> {
  return run(['tmux', '-S', info().tmux.socket, 'display-message', '-p', '-t', agent(id).pane ?? 'no pane', format]).then((text) =>
    text.trim(),
  )
}

/** Everything that the demo on record has started, with what that has started. */
function started(): ProcessIdentity[] {
  const read = readRecords(layout.processes)
  if (read.kind !== 'records') throw new Error(`no records: ${read.kind}`)
  const parents = Object.values(read.records.processes)
  return [...parents, ...parents.flatMap((each) => descendants(each.pid))]
}

function mtime(file: string): number {
  return statSync(file).mtimeMs
}

async function beatsAgain(id: string): Promise<void> {
  const { heartbeat } = agent(id)
  const before = mtime(heartbeat)
  await until(() => mtime(heartbeat) > before, { withinMs: 20_000, what: `a beat of ${id}` })
}

describe('a demo that is up', { timeout: 60_000 }, () => {
  test('six agents beat, in three formats, from where info.json says they are', async () => {
    await start()
    const { agents, hosts } = info()
    expect(agents.map(({ id, host, kind }) => `${id} ${host} ${kind}`)).toEqual([
      'timmy local pane',
      'bezalel bezalel pane',
      'ezra ezra pane',
      'allegro allegro pane',
      'code-claw local pane',
      'gemini local process',
    ])
    await Promise.all(agents.map((each) => beatsAgain(each.id)))
    expect(JSON.parse(readFileSync(agent('bezalel').heartbeat, 'utf8'))).toMatchObject({ pid: agent('bezalel').pid, model: 'gemma-3-27b' })
    expect(Number(readFileSync(agent('allegro').heartbeat, 'utf8'))).toBeGreaterThan(1_700_000_000)
    expect(await pane('ezra', '#{pane_pid} #{window_name} #{session_name}')).toBe(`${agent('ezra').pid} ezra fleet`)
    expect(hosts.map((host) => host.id)).toEqual(['ezra', 'allegro', 'bezalel'])
    expect(statSync(layout.info).mode & 0o777).toBe(0o600)
    expect(statSync(layout.fleet).mode & 0o777).toBe(0o600)
  })

  test('an SSH host lets in the key of the demo under its pinned host key, and no other host goes under its name', async () => {
    await start()
    const [ezra, allegro] = info().hosts
    if (!ezra || !allegro) throw new Error('two hosts are missing')
    const login = (at: { address: string; port: number }, alias: string[]) =>
      run([
        'ssh',
        '-F',
        'none',
        '-i',
        layout.identity,
        '-o',
        `UserKnownHostsFile=${layout.knownHosts}`,
        '-o',
        'StrictHostKeyChecking=yes',
        '-o',
        'BatchMode=yes',
        '-p',
        String(at.port),
        ...alias,
        '--',
        at.address,
        'echo here',
      ])
    expect(await login(ezra, [])).toBe('here\n')
    const otherName = ['-o', `HostKeyAlias=[${allegro.address}]:${allegro.port}`]
    await expect(login(ezra, otherName)).rejects.toThrow(/verification failed/i)
  })

  test('a worker in a pane that is killed leaves a dead pane, and its return is in info.json', async () => {
    await start()
    const first = agent('bezalel')
    expect(killAgent(varDir, 'bezalel')).toContain(String(first.pid))
    await until(async () => (await pane('bezalel', '#{pane_dead}')) === '1', { withinMs: 20_000, what: 'a dead pane' })
    expect(() => killAgent(varDir, 'bezalel')).toThrow(/not alive.*restart bezalel/)

    await run(['tmux', '-S', info().tmux.socket, 'respawn-pane', '-t', first.pane ?? ''])
    await until(() => agent('bezalel').pid !== first.pid, { withinMs: 20_000, what: 'a new pid in info.json' })
    await beatsAgain('bezalel')
    expect(agent('bezalel').pane).toBe(first.pane)
    expect(said.join('\n')).toMatch(/bezalel: process \d+ is gone.[\s\S]*bezalel: at work again/)
  })

  test('a worker told to hang lives on, beats no more, and still hears TERM', async () => {
    await start()
    for (const id of ['timmy', 'gemini']) {
      const { pid, heartbeat } = agent(id)
      const itself = identify(pid)
      if (!itself) throw new Error(`${id} is not there`)
      hangAgent(varDir, id)
      // Two whole periods of the others without a beat of this one.
      const before = mtime(heartbeat)
      await beatsAgain('ezra')
      const settled = Math.max(before, mtime(heartbeat))
      await beatsAgain('ezra')
      await beatsAgain('ezra')
      expect(mtime(heartbeat)).toBe(settled)
      expect(isAlive(itself)).toBe(true)
      process.kill(pid, 'SIGTERM')
      await until(() => !isAlive(itself), { withinMs: 20_000, what: `the end of ${id}` })
    }
    expect(await pane('timmy', '#{pane_dead} #{pane_dead_status}')).toBe('1 0')
  })

  test('a lost sshd comes back in the same place, as another process', async () => {
    await start({ hostReturnMs: 200 })
    const before = info().hosts.find((host) => host.id === 'allegro')
    if (!before) throw new Error('allegro is not in info.json')
    process.kill(before.sshdPid, 'SIGKILL')
    const after = await until(() => info().hosts.find((host) => host.id === 'allegro' && host.sshdPid !== before.sshdPid), {
      withinMs: 15_000,
      what: 'a new sshd in info.json',
    })
    expect(after).toEqual({ ...before, sshdPid: after.sshdPid })
    expect(identify(after.sshdPid)).toBeDefined()
    expect(said.join('\n')).toMatch(/host allegro: its sshd is gone/)
  })

  test('a watch that dies is started again', async () => {
    await start()
    const pid = () => {
      const read = readRecords(layout.processes)
      return read.kind === 'records' ? read.records.processes['watch']?.pid : undefined
    }
    const first = pid()
    if (!first) throw new Error('no watch on record')
    process.kill(first, 'SIGKILL')
    await until(() => said.some((line) => line.includes('The watch is back')), { withinMs: 20_000, what: 'the watch again' })
    expect(pid()).not.toBe(first)
  })
})

describe('the end of a demo', { timeout: 60_000 }, () => {
  test('a stop leaves no process, no socket and no info.json behind, however often it is asked for', async () => {
    const stops: string[] = []
    const startTower = async () => ({
      place: place(varDir),
      stop: async () => void stops.push(`tower, ${findWorkers(layout).length} agents`),
    })
    const demo = await start({ startTower })
    const all = started()
    const { socket } = demo.info().tmux
    expect(all.length).toBeGreaterThan(10)
    await Promise.all([demo.stop(), demo.stop()])
    await demo.stop()
    expect(stops).toEqual(['tower, 6 agents'])
    expect(all.filter(isAlive)).toEqual([])
    expect([layout.info, layout.processes, socket].filter(existsSync)).toEqual([])
  })

  test('a Tower that does not open ends everything else and says why', async () => {
    const startTower = async () => {
      await until(() => findWorkers(layout).length === 6, { withinMs: 20_000, what: 'six agents' })
      throw new Error('the port is taken')
    }
    await expect(start({ startTower })).rejects.toThrow('the port is taken')
    expect(findWorkers(layout)).toEqual([])
    expect(existsSync(layout.processes)).toBe(false)
  })

  test('a watch that ends before it is ready ends everything else and shows its last words', async () => {
    const watchCommand = (): [string, ...string[]] => [
      process.execPath,
      '-e',
      'console.error("fleet.yaml:3: no such key"); process.exit(2)',
    ]
    await expect(start({ watchCommand })).rejects.toThrow(/exit status 2[\s\S]*fleet.yaml:3: no such key/)
    expect(findWorkers(layout)).toEqual([])
  })

  test('a signal in the middle of the start ends what has started', async () => {
    const interrupt = new AbortController()
    const startTower = async () => {
      await until(() => findWorkers(layout).length > 0, { withinMs: 20_000, what: 'an agent' })
      interrupt.abort()
      return { place: place(varDir), stop: async () => {} }
    }
    await expect(start({ startTower }, interrupt.signal)).rejects.toThrow('the demo was aborted')
    expect(findWorkers(layout)).toEqual([])
    expect(existsSync(layout.processes)).toBe(false)
  })

  test('what a killed demo left behind is ended by the next one, which then runs', async () => {
    const child = spawn(process.execPath, [fileURLToPath(new URL('./demo-child.ts', import.meta.url)), varDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(child, 'exit')
    await until(() => existsSync(layout.info), { withinMs: 30_000, what: 'the first demo' })
    await expect(start()).rejects.toThrow(/already running/)
    const left = started()
    child.kill('SIGKILL')
    await exited
    expect(left.filter(isAlive).length).toBeGreaterThan(10)

    await start()
    expect(left.filter(isAlive)).toEqual([])
    expect(said.join('\n')).toMatch(/An earlier demo was killed/)
    await beatsAgain('bezalel')
  })

  test('a var folder too deep for a socket gets one elsewhere, which goes with the demo', async () => {
    varDir = join(varDir, 'deep'.repeat(30))
    layout = layoutIn(varDir)
    const demo = await start()
    const { socket } = demo.info().tmux
    expect(socket.startsWith(varDir)).toBe(false)
    await beatsAgain('code-claw')
    await demo.stop()
    expect(existsSync(join(socket, '..'))).toBe(false)
  })
})
