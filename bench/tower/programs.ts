/** The programs that a user would pick instead, as child processes of the benchmark. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { plainEnvironment } from '../../src/demo/programs.ts'
import { descendants, isAlive, killHard } from '../../test/support/processes.ts'
import { until } from '../../test/support/until.ts'
import { unpackDebian } from '../debian.ts'
import type { Stage } from './stage.ts'

const run = promisify(execFile)
const theirs = join(import.meta.dirname, 'theirs')

export interface Program {
  pid: number
  stop(): Promise<void>
}

/** A shell loop that looks at all panes once a second and says what changed, through a telnet login of its own. */
export function startShellLoop(stage: Stage): Promise<Program> {
  return startTelnetScript(stage, 'shell-loop.bash', stage.info().tmux.socket)
}

/** Keeps one telnet login open for whoever writes a line into the FIFO: a login for each line would cost monit a second. */
export function startMouth(stage: Stage, fifo: string): Promise<Program> {
  return startTelnetScript(stage, 'mouth.bash', fifo)
}

async function startTelnetScript(stage: Stage, script: string, last: string): Promise<Program> {
  const { account, password } = stage.game.accounts.visitor
  const argv = [join(theirs, script), '127.0.0.1', String(stage.game.ports.telnet), account, last]
  return startProgram('bash', argv, `${password}\n`)
}

/** Monit with a cycle of one second, on the pid file of one agent. */
export async function startMonit(stage: Stage, monit: string, agent: string, fifo: string): Promise<Program> {
  const folder = join(stage.folder, 'monit')
  mkdirSync(folder, { mode: 0o700 })
  const tell = `/bin/sh ${join(theirs, 'tell.sh')} ${fifo} monit: ${agent}`
  // The worker writes its own pid here each time it starts.
  const pidFile = join(stage.folder, 'demo', 'agents', agent, 'worker.pid')
  const file = join(folder, 'monitrc')
  const settings = `set daemon 1
set pidfile ${join(folder, 'pid')}
set idfile ${join(folder, 'id')}
set statefile ${join(folder, 'state')}
check process ${agent} with pidfile ${pidFile}
  if does not exist then exec "${tell} is dead" else if succeeded then exec "${tell} is back"
`
  writeFileSync(file, settings, { mode: 0o600 })
  return startProgram(monit, ['-I', '-c', file], '')
}

export async function makeFifo(file: string): Promise<void> {
  await run('mkfifo', ['-m', '600', file])
}

export async function startProgram(program: string, argv: string[], input: string): Promise<Program> {
  const child = spawn(program, argv, { stdio: ['pipe', 'ignore', 'pipe'], env: plainEnvironment(process.env) })
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-1_000)
  })
  // It may end without reading; how it ended is told below.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const pid = await started(child)
  child.once('exit', (code, signal) => {
    if (!stopping) process.stderr.write(`${program} ${argv[0]} ended by itself (${signal ?? code}): ${complaint}\n`)
  })
  let stopping = false
  return {
    pid,
    stop: async () => {
      stopping = true
      const all = [pid, ...descendants(pid).map((process) => process.pid)]
      for (const each of all) killHard(each)
      await until(() => !all.some(isAlive), { withinMs: 5_000, what: `${program} to end` })
    },
  }
}

function started(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('spawn', () => {
      if (child.pid === undefined) reject(new Error('a process without a pid'))
      else resolve(child.pid)
    })
  })
}

/**
 * Where monit is; or why it is nowhere. Taken out of its Debian package into `folder` where the machine has none: to install
 * it would start a monit for the whole machine.
 */
export async function findMonit(folder: string, say: (text: string) => void): Promise<{ path: string } | { missing: string }> {
  const unpacked = join(folder, 'usr', 'bin', 'monit')
  for (const path of ['monit', '/usr/bin/monit', unpacked]) if (await works(path)) return { path }
  const trouble = await unpackDebian('monit', folder, say)
  if (trouble !== undefined) return { missing: trouble }
  return (await works(unpacked)) ? { path: unpacked } : { missing: 'the monit of the Debian package does not run here' }
}

async function works(path: string): Promise<boolean> {
  return run(path, ['-V']).then(
    () => true,
    () => false,
  )
}
