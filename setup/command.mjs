import { spawn } from 'node:child_process'
import { appendFileSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { Interrupted, SetupError } from './progress.mjs'

const TAIL_LINES = 15

/**
 * @typedef {{
 *   cwd?: string,
 *   env?: Record<string, string | undefined>,
 *   input?: string,
 *   log?: string,
 *   signal?: AbortSignal | undefined,
 *   remedy?: string,
 *   onLine?: (line: string) => void,
 * }} CommandOptions
 */

/**
 * Runs a program to its end and returns what it printed on stdout. Nothing goes through a shell.
 *
 * @param {[string, ...string[]]} argv
 * @param {CommandOptions} [options] `input` goes to stdin (the only way in for secrets: argv and the environment can be
 *   read by others); `log` is a file that gets everything printed; aborting `signal` ends the program.
 * @returns {Promise<string>}
 * @throws {SetupError} when the program is missing or fails: with the last lines that it printed
 */
export function run(argv, options = {}) {
  const [program, ...args] = argv
  const name = path.basename(program)
  const remedy = options.remedy ?? (options.log ? `read ${options.log}, then run the same command again` : 'run the same command again')
  if (options.log) mkdirSync(path.dirname(options.log), { recursive: true })
  return new Promise((resolve, reject) => {
    if (options.signal?.aborted) {
      reject(new Interrupted())
      return
    }
    const child = spawn(program, args, {
      cwd: options.cwd ?? process.cwd(),
      env: options.env ?? process.env,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let stdout = ''
    /** @type {string[]} */
    const tail = []
    /** @param {import('node:stream').Readable} stream @param {(text: string) => void} keep */
    const follow = (stream, keep) => {
      let rest = ''
      stream.setEncoding('utf8')
      stream.on('data', (/** @type {string} */ text) => {
        keep(text)
        if (options.log) appendFileSync(options.log, text)
        const lines = (rest + text).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) {
          tail.push(line)
          if (tail.length > TAIL_LINES) tail.shift()
          options.onLine?.(line)
        }
      })
      stream.on('end', () => {
        if (rest !== '') tail.push(rest)
      })
    }
    follow(child.stdout, (text) => {
      stdout += text
    })
    follow(child.stderr, () => undefined)
    // A program that ends without reading its input closes the pipe under us; its exit code tells the story.
    child.stdin.on('error', () => undefined)
    child.stdin.end(options.input ?? '')

    const stop = () => child.kill('SIGTERM')
    options.signal?.addEventListener('abort', stop, { once: true })
    child.once('error', (error) => {
      options.signal?.removeEventListener('abort', stop)
      const missing = 'code' in error && error.code === 'ENOENT'
      reject(new SetupError(missing ? `there is no program ${program}` : `${program}: ${error.message}`, remedy))
    })
    child.once('close', (code, signal) => {
      options.signal?.removeEventListener('abort', stop)
      if (options.signal?.aborted) reject(new Interrupted())
      else if (code === 0) resolve(stdout)
      else reject(new SetupError([`${name} ended with ${signal ?? `exit code ${code}`}:`, ...tail.filter(Boolean)].join('\n'), remedy))
    })
  })
}
