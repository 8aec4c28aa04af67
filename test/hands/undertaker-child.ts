/**
 * Clears away after a test, however that ended: told line by line on stdin what there is to clear, it begins when that
 * ends. `process PID START`, `account NAME UID`, `folder PATH`; what is told last goes first.
 */
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { processesOf, startOf } from './process-start.ts'

const told: string[][] = []
for await (const line of createInterface({ input: process.stdin })) told.unshift(line.split(' '))
const faults: string[] = []
for (const [kind = '', ...words] of told) {
  try {
    await clear(kind, words)
  } catch (error) {
    faults.push(`${kind} ${words.join(' ')}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
if (faults.length > 0) throw new Error(faults.join('; '))

async function clear(kind: string, words: string[]): Promise<void> {
  const [name = '', value = ''] = words
  switch (kind) {
    case 'process':
      if (startOf(Number(name)) === value) kill(Number(name))
      break
    case 'account': {
      // All that a user runs is ended: never those of the system's own, whatever was told.
      if (!/^\d{4,9}$/.test(value) || Number(value) < 1_000 || !/^twt\d+x\d+$/.test(name)) throw new Error('that is no account of a test')
      const deadline = performance.now() + 10_000
      for (;;) {
        const left = processesOf(Number(value))
        if (left.length === 0) break
        if (performance.now() > deadline) throw new Error(`processes outlive SIGKILL: ${left.join(' ')}`)
        left.forEach(kill)
        await wait(20)
      }
      rmSync(`/tmp/towerwatch-${value}`, { recursive: true, force: true })
      const { status, stderr } = spawnSync('userdel', [name], { encoding: 'utf8' })
      // 6: there is no such account.
      if (status !== 0 && status !== 6) throw new Error(stderr.trim())
      break
    }
    case 'folder':
      rmSync(words.join(' '), { recursive: true, force: true, maxRetries: 5 })
      break
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
