import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from 'vitest'

const handOver = path.join(import.meta.dirname, '..', '..', 'setup', 'hand-over.mjs')
let folder = ''
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'hand-over-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A parent that hands over to `program`; what the program prints, line by line. */
function start(program: string) {
  const child = path.join(folder, 'program.mjs')
  const parent = path.join(folder, 'parent.mjs')
  writeFileSync(child, program)
  writeFileSync(
    parent,
    `import { handOver } from ${JSON.stringify(handOver)}\nprocess.exitCode = await handOver(process.execPath, [${JSON.stringify(child)}])\n`,
  )
  const running = spawn(process.execPath, [parent], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: running.stdout })[Symbol.asyncIterator]()
  return { running, exit: once(running, 'exit'), line: async (): Promise<string> => (await lines.next()).value ?? '(end)' }
}

/** Counts what it is asked, and takes its time to stop: until it is told on a file that it may. */
const STOPS_IN_ORDER = `
import { existsSync } from 'node:fs'
let asked = 0
const keep = setInterval(() => {
  if (asked > 0 && existsSync(new URL('may-stop', import.meta.url))) {
    console.log('asked ' + asked + ' times')
    process.exitCode = 3
    clearInterval(keep)
  }
}, 10)
for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => {
  asked++
  console.log(name)
})
console.log('pid ' + process.pid)
`

test('a Ctrl-C that comes twice reaches the program once, and its own exit code comes back', async () => {
  const { running, exit, line } = start(STOPS_IN_ORDER)
  expect(await line()).toMatch(/^pid /)
  running.kill('SIGINT')
  expect(await line()).toBe('SIGINT')
  running.kill('SIGINT')
  running.kill('SIGTERM')
  writeFileSync(path.join(folder, 'may-stop'), '')
  expect(await line()).toBe('asked 1 times')
  expect(await exit).toEqual([3, null])
})

test('a program whose parent was killed outright is asked to stop', async () => {
  const { running, line } = start(STOPS_IN_ORDER)
  await line()
  running.kill('SIGKILL')
  expect(await line()).toBe('SIGTERM')
  writeFileSync(path.join(folder, 'may-stop'), '')
  expect(await line()).toBe('asked 1 times')
})

test('a program that a signal ended gives the exit code that a shell would give', async () => {
  const { exit } = start(`process.kill(process.pid, 'SIGKILL')`)
  expect(await exit).toEqual([137, null])
})
