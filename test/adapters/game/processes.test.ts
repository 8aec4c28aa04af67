import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { gameProcesses, signalAll } from '../../../src/adapters/game/processes.ts'

/** Looks from outside like a process of a game: what counts is the pid file that its command line names. */
async function lookalike(argument: string) {
  const child = spawn(process.execPath, ['-e', 'console.log("up"); setInterval(() => {}, 1000)', '--', argument], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return { pid: child.pid ?? 0, exit: once(child, 'exit'), end: () => child.kill('SIGKILL') }
}

test('finds the processes of exactly this game, and signals those alone', async () => {
  const game = '/nowhere/tower/game'
  const ours = await lookalike(`--pidfile=${game}/server/portal.pid`)
  const others = await lookalike(`--pidfile=${game}-2/server/portal.pid`)
  try {
    expect(await gameProcesses(game)).toEqual([{ pid: ours.pid, part: 'portal' }])
    signalAll(await gameProcesses(game), 'SIGTERM')
    await ours.exit
    expect(await gameProcesses(game)).toEqual([])
    expect(await gameProcesses(`${game}-2`)).toEqual([{ pid: others.pid, part: 'portal' }])
  } finally {
    ours.end()
    others.end()
  }
})

test('a process that has ended in the meantime is no fault', async () => {
  const gone = await lookalike('x')
  gone.end()
  await gone.exit
  expect(() => signalAll([{ pid: gone.pid, part: 'server' }], 'SIGTERM')).not.toThrow()
})
