import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { root } from './paths.mjs'

/** How long a program may take to stop in order before a further Ctrl-C ends it the hard way. */
const PATIENCE_MS = 30_000

/** @type {NodeJS.Signals[]} */
const ASKS_TO_STOP = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']

/**
 * Runs a program in place of this one: same terminal, same exit code.
 *
 * A Ctrl-C reaches every process of the terminal's foreground group, and npm may pass it on once more. So the program gets
 * a group of its own and hears of it from here only, and once, as does everything that it started in turn: it can stop them
 * in order. This process stays until it has. Should this process be killed outright, the program is told to stop as well
 * (see follow-parent.mjs).
 *
 * @param {string} node  a Node 24
 * @param {[string, ...string[]]} argv  a script and its arguments
 * @param {{ cwd?: string }} [options]
 * @returns {Promise<number>} the exit code; 128 + the signal's number if a signal ended it
 */
export function handOver(node, argv, options = {}) {
  const follow = pathToFileURL(path.join(root, 'setup', 'follow-parent.mjs')).href
  const child = spawn(node, ['--import', follow, ...argv], {
    cwd: options.cwd ?? process.cwd(),
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    detached: true,
  })
  /** @type {number | undefined} */
  let askedMs
  /** @param {NodeJS.Signals} signal */
  const passOn = (signal) => {
    if (askedMs === undefined) {
      askedMs = performance.now()
      child.kill(signal === 'SIGINT' ? 'SIGINT' : 'SIGTERM')
    } else if (performance.now() - askedMs > PATIENCE_MS) {
      process.stderr.write(`It has not stopped in ${PATIENCE_MS / 1000} s; killing it. What it started may be left behind.\n`)
      child.kill('SIGKILL')
    }
  }
  for (const signal of ASKS_TO_STOP) process.on(signal, passOn)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      for (const name of ASKS_TO_STOP) process.off(name, passOn)
      resolve(code ?? 128 + (signal ? constants.signals[signal] : 0))
    })
  })
}
