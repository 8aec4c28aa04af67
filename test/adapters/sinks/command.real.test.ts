import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CommandOptions, commandSink } from '../../../src/adapters/sinks/command.ts'
import type { AlertRecord } from '../../../src/ports/ledger.ts'
import { SinkError } from '../../../src/ports/sink.ts'
import { problem, recovery } from '../../contracts/sink.ts'
import { isAlive, killHard } from '../../support/processes.ts'
import { until } from '../../support/until.ts'

const never = new AbortController().signal
let folder: string
let started: number[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tw-command-'))
  started = []
})
afterEach(() => {
  for (const pid of started) killHard(pid)
  rmSync(folder, { recursive: true })
})

const path = (name: string) => join(folder, name)
const sh = (script: string, more: Partial<CommandOptions> = {}) =>
  commandSink({ run: ['/bin/sh', '-c', `cd ${folder}; ${script}`, 'sh'], timeoutMs: 20_000, killAfterMs: 300, ...more })
async function fault(script: string, more: Partial<CommandOptions> = {}, alert: AlertRecord = recovery): Promise<SinkError> {
  const error = await sh(script, more)
    .tell(alert, never)
    .then(() => new Error('it was taken'))
    .catch((thrown: unknown) => thrown)
  if (!(error instanceof SinkError)) throw error
  return error
}
async function pidIn(name: string): Promise<number> {
  const pid = await until(() => Number(readFileSync(path(name), 'utf8')) || false, { withinMs: 10_000, what: `a pid in ${name}` })
  started.push(pid)
  return pid
}
const gone = (pid: number) => until(() => !isAlive(pid), { withinMs: 10_000, what: `${pid} to be gone` })

describe('a command', () => {
  it('gets the text as one last argument, whatever stands in it, and the alert on its input', async () => {
    await sh('printf %s "$1" > text; printf %s "$#" > count; cat > json').tell(recovery, never)
    expect(readFileSync(path('text'), 'utf8')).toBe(recovery.text)
    expect(readFileSync(path('count'), 'utf8')).toBe('1')
    expect(JSON.parse(readFileSync(path('json'), 'utf8'))).toEqual(recovery)
  })

  it('never gets a text for an option', async () => {
    await sh('printf %s "$1" > text').tell(problem, never)
    expect(readFileSync(path('text'), 'utf8')).toBe(' --help me\nplease')
  })

  it('gets a text without the sign that no argument can hold', async () => {
    await sh('printf %s "$1" > text').tell({ ...problem, text: 'a\0b' }, never)
    expect(readFileSync(path('text'), 'utf8')).toBe('a b')
  })

  it('need not read its input', async () => {
    const large = { ...recovery, incidents: Array.from({ length: 100_000 }, (_, index) => index) }
    await sh('exec <&-; exit 0').tell(large, never)
  })

  it('that ends with another status than 0, or by a signal, has not taken it; what it said is for the log alone', async () => {
    const failed = await fault('echo no route to the phone >&2; exit 3')
    expect(failed).toMatchObject({ kind: 'failed', message: 'it ended with exit status 3', detail: 'no route to the phone\n' })
    expect(await fault('kill -9 $$')).toMatchObject({ kind: 'failed', message: 'it was ended by SIGKILL' })
  })

  it('that talks without end is heard to the end of what it said', async () => {
    const { detail = '' } = await fault('i=0; while [ $i -lt 5000 ]; do echo line $i >&2; i=$((i+1)); done; exit 1')
    expect(detail.length).toBeLessThanOrEqual(400)
    expect(detail).toMatch(/line 4999\n$/)
  })

  it('that isn’t there, or is no program, fails', async () => {
    const { kind, message } = await fault('', { run: [path('nowhere')] })
    expect([kind, message]).toEqual(['failed', 'it could not be run (ENOENT)'])
    expect(await fault('', { run: [folder] })).toMatchObject({ kind: 'failed', message: 'it could not be run (EACCES)' })
  })

  it('that doesn’t end is ended, with everybody it has started, also those that do not heed SIGTERM', async () => {
    const failing = fault(
      'trap "" TERM; (trap "" TERM; echo $(exec sh -c "echo \\$PPID") > child; while :; do sleep 1; done) & echo $$ > parent; while :; do sleep 1; done',
      {
        timeoutMs: 1_500,
      },
    )
    const pids = [await pidIn('parent'), await pidIn('child')]
    expect(await failing).toMatchObject({ kind: 'failed', message: 'it did not end within 1.5 s' })
    for (const pid of pids) await gone(pid)
  })

  it('that is called off leaves nobody behind', async () => {
    const calling = new AbortController()
    const told = sh('(while :; do sleep 1; done) & echo $! > child; wait').tell(recovery, calling.signal)
    const child = await pidIn('child')
    calling.abort()
    await expect(told).rejects.toMatchObject({ message: 'it was called off' })
    await gone(child)
  })

  it('that has taken it may leave somebody behind', async () => {
    await sh('(while :; do sleep 1; done) & echo $! > child').tell(recovery, never)
    expect(isAlive(await pidIn('child'))).toBe(true)
  })
})
