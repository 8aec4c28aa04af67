import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { readyVenvs } from '../../../setup/python.mjs'
import { provisionTower } from '../../../setup/tower.mjs'
import { answers } from '../../../src/adapters/game/answers.ts'
import { type RunningTower, readPlace, startBundledTower } from '../../../src/adapters/game/bundled-tower.ts'
import { readProvisioned } from '../../../src/adapters/game/place.ts'
import { isFree } from '../../../src/adapters/game/ports.ts'
import { gameProcesses, signalAll } from '../../../src/adapters/game/processes.ts'
import { until } from '../../support/until.ts'

const root = path.join(import.meta.dirname, '..', '..', '..')
let varDir = ''
let running: RunningTower | undefined

beforeAll(async () => {
  const venv = readyVenvs({ root, varDir: path.join(root, 'var') })[0]
  if (venv === undefined) throw new Error('There is no virtual environment under var/python. Run npm test, which makes it.')
  varDir = mkdtempSync(path.join(tmpdir(), 'bundled-tower-'))
  await provisionTower({ root, varDir, venv, say: () => undefined })
})

afterEach(async () => {
  await running?.stop()
  running = undefined
})

afterAll(() => rmSync(varDir, { recursive: true, force: true }))

async function start(said: string[] = []): Promise<RunningTower> {
  running = await startBundledTower(varDir, { progress: (text) => said.push(text) })
  return running
}

async function pids(): Promise<number[]> {
  return (await gameProcesses(readProvisioned(varDir).game)).map((one) => one.pid).sort()
}

/** What a crash of the owner leaves behind: its mark, and the game running. */
function ownerDies(): void {
  writeFileSync(path.join(varDir, 'tower', 'owner'), `${2 ** 22 + 1} 1\n`)
}

test('lets players and the bridge in, is run by one owner only, and leaves nothing behind', async () => {
  const tower = await start()
  expect(tower.place).toEqual(readPlace(varDir))
  expect(await answers(tower.place, 10_000)).toBe(true)
  expect(await pids()).toHaveLength(2)
  await expect(startBundledTower(varDir)).rejects.toThrow(`Process ${process.pid} is running this Tower already`)
  expect(await pids()).toHaveLength(2)

  await Promise.all([tower.stop(), tower.stop()])
  expect(await pids()).toEqual([])
  expect(await isFree(tower.place.telnet.port)).toBe(true)
})

test('what a crash left running is taken over as it is, and stopped at the end', async () => {
  await start()
  const before = await pids()
  ownerDies()
  const said: string[] = []
  await start(said)
  expect(said).toEqual(['found it running'])
  expect(await pids()).toEqual(before)
})

test('the half of a game, or one that runs older code, is stopped and started anew', async () => {
  await start()
  const game = await gameProcesses(readProvisioned(varDir).game)
  signalAll(
    game.filter((one) => one.part === 'server'),
    'SIGKILL',
  )
  ownerDies()
  const said: string[] = []
  await start(said)
  expect(said).toContain('stopping what was left of it')
  expect((await pids()).some((pid) => game.some((one) => one.pid === pid))).toBe(false)

  const older = await pids()
  writeFileSync(path.join(varDir, 'tower', 'running'), 'older\n')
  ownerDies()
  await start()
  expect((await pids()).some((pid) => older.includes(pid))).toBe(false)
})

test('a half that is killed is started again, and the same game goes on', async () => {
  const said: string[] = []
  const tower = await start(said)
  const { game } = readProvisioned(varDir)
  for (const part of ['server', 'portal'] as const) {
    const before = await gameProcesses(game)
    const mine = before.filter((one) => one.part === part)
    signalAll(mine, 'SIGKILL')
    await until(
      async () => {
        const now = await gameProcesses(game)
        return now.length === 2 && now.every((one) => one.part !== part || one.pid !== mine[0]?.pid)
      },
      { withinMs: 40_000, what: `another ${part}` },
    )
    expect(said).toContain(`its ${part} has ended, starting it again`)
    await until(() => answers(tower.place, 5_000), { withinMs: 40_000, what: `an answer through the new ${part}` })
  }
  await tower.stop()
  expect(await pids()).toEqual([])
})

test('a port that somebody else has and a pid file that names somebody else are both left alone', async () => {
  const { game, ports } = readProvisioned(varDir)
  for (const part of ['portal', 'server']) writeFileSync(path.join(game, 'server', `${part}.pid`), `${process.pid}\n`)
  const occupant = await listen(ports.telnet)
  try {
    const tower = await start()
    expect(tower.place.telnet.port).not.toBe(ports.telnet)
    expect(tower.place).toEqual(readPlace(varDir))
    expect(readFileSync(path.join(game, 'server', 'portal.pid'), 'utf8').trim()).not.toBe(String(process.pid))
    await tower.stop()
    expect(occupant.listening).toBe(true)
  } finally {
    await new Promise((resolve) => occupant.close(resolve))
  }
})

test('a game that does not come up says why, and nothing of it stays', async () => {
  const { game } = readProvisioned(varDir)
  const settings = path.join(game, 'server', 'conf', 'settings.py')
  const whole = readFileSync(settings, 'utf8')
  writeFileSync(settings, 'raise RuntimeError("no such thing")\n')
  try {
    await expect(startBundledTower(varDir)).rejects.toThrow(/did not come up[\s\S]*no such thing/)
    expect(await pids()).toEqual([])
  } finally {
    writeFileSync(settings, whole)
  }
})

/** Holds a port. */
function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
