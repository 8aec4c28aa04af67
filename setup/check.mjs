import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, realpathSync, rmSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { closingLine, countClosingLine, countVitest, indentClosingLine, sum } from './counts.mjs'
import { failureOfPart, failuresInUnittest, failuresInVitest, tellFailures } from './failures.mjs'
import { findNode24 } from './node.mjs'
import { root, varDir } from './paths.mjs'
import { Interrupted, SetupError } from './progress.mjs'
import { EVENNIA_LINES, findPythons, pythonEnv, readyVenvs } from './python.mjs'
import { readOr } from './stamp.mjs'
import { runCommand } from './steps.mjs'

/**
 * @typedef {import('./counts.mjs').Counts} Counts
 * @typedef {import('./failures.mjs').Failure} Failure
 * @typedef {{ title: string, counts: Counts, tookMs: number, output: string, failures: Failure[] }} Outcome
 */

/**
 * Everything that must hold before a change is taken, one part after the other, all of them even when one fails. Prints
 * what each part prints, a summary, and one closing line that counts it all (a check such as the types counts as one).
 *
 * @param {{ notTested?: string[] }} [options] sentences on what set-up could not make ready; each is counted as skipped
 * @returns {Promise<number>} the exit code
 * @throws {SetupError} when set-up has not been done
 */
export async function check(options = {}) {
  const node = findNode24({ root, varDir })
  const venvs = readyVenvs({ root, varDir })
  const withChecks = venvs.find((venv) => existsSync(path.join(venv.bin, 'ruff')))
  if (node === undefined || withChecks === undefined || !existsSync(path.join(root, 'node_modules', '.bin'))) {
    throw new SetupError('this checkout is not set up for the checks', 'run npm test once')
  }
  const ruff = path.join(withChecks.bin, 'ruff')
  /** @param {string} program */
  const tool = (program) => toolOf(node, program)

  /** @type {Outcome[]} */
  const outcomes = []
  /** @param {string} title @param {[string, ...string[]]} argv @param {string} [cwd] */
  const one = async (title, argv, cwd = root) => {
    const { exitCode, output, tookMs } = await show(title, argv, { cwd })
    const counts = exitCode === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 }
    outcomes.push({ title, counts, tookMs, output, failures: [] })
  }
  await one('types', [...tool('tsc'), '-p', '.'])
  await one('format and layers', [...tool('biome'), 'ci', '--error-on-warnings'])
  await one('nothing unused', [...tool('knip')])
  await one('protocol and operations in step with world/', [node, path.join(root, 'setup', 'print-protocol.ts'), '--check'])
  await one('Python lint', [ruff, 'check', 'world', 'setup'])
  await one('Python format', [ruff, 'format', '--check', 'world', 'setup'])

  // What an earlier run has left is of no use when the source has changed.
  rmSync(path.join(varDir, 'test', 'compile-cache'), { recursive: true, force: true })

  // What only computes goes side by side. What waits for other programs has the machine to itself, one part after the other: with two of
  // those at once a test in some thousands took the other's load for its own trouble.
  outcomes.push(
    ...(await twoByTwo([
      ...(await ofThePlugin(venvs)),
      () => vitest(node, 'unit tests', ['unit'], { options: ['--maxWorkers=1'] }),
      () => installed(withChecks),
    ])),
    await vitest(node, 'tests with other programs', ['gate', 'waiting'], { when: 'at once', options: ['--maxWorkers=1'] }),
    await vitest(node, 'tests with games', ['real'], { when: 'at once' }),
  )

  const notTested = [...(options.notTested ?? [])]
  for (const line of EVENNIA_LINES) {
    if (!venvs.some((venv) => line.minors.includes(venv.minor))) {
      notTested.push(`${line.requirements.replace('.txt', '')}: no Python ${line.minors.join(' or ')} here that it could be tested on`)
    }
  }
  return summarise(outcomes, notTested)
}

/**
 * @param {(() => Promise<Outcome>)[]} parts  begun in this order
 * @returns {Promise<Outcome[]>} in the same order
 */
async function twoByTwo(parts) {
  /** @type {Outcome[]} */
  const found = []
  const left = [...parts.entries()]
  const worker = async () => {
    for (let next = left.shift(); next; next = left.shift()) found[next[0]] = await next[1]()
  }
  await Promise.all([worker(), worker()])
  return found
}

/** @param {string} node @param {string} program @returns {[string, string]} */
function toolOf(node, program) {
  return [node, realpathSync(path.join(root, 'node_modules', '.bin', program))]
}

/**
 * Some of our projects (vitest.config.ts).
 * @param {string} node
 * @param {string} title
 * @param {string[]} projects
 * @param {{ options?: string[], when?: 'at once' | 'ended' }} how
 * @returns {Promise<Outcome>}
 */
async function vitest(node, title, projects, { options = [], when = 'ended' }) {
  const report = path.join(varDir, 'test', `vitest-${projects.join('-')}.json`)
  mkdirSync(path.dirname(report), { recursive: true })
  rmSync(report, { force: true })
  const { exitCode, output, tookMs } = await show(
    title,
    [
      ...toolOf(node, 'vitest'),
      'run',
      ...projects.map((project) => `--project=${project}`),
      ...options,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ],
    { when, env: { ...process.env, NODE_COMPILE_CACHE: path.join(varDir, 'test', 'compile-cache') } },
  )
  const found = readOr(report, '')
  return { title, counts: countVitest(found, exitCode), tookMs, output, failures: failuresInVitest(found, root) }
}

/**
 * The plugin's tests: in a game on each line of Evennia; those that need no game on every other Python as well.
 *
 * @param {import('./python.mjs').Venv[]} venvs
 * @returns {Promise<(() => Promise<Outcome>)[]>}
 */
async function ofThePlugin(venvs) {
  const onEachLine = EVENNIA_LINES.flatMap(({ minors }) =>
    minors.flatMap((minor) => venvs.filter((venv) => venv.minor === minor)).slice(0, 1),
  )
  const others = (await findPythons()).filter(({ minor }) => !onEachLine.some((venv) => venv.minor === minor))
  return [
    ...onEachLine.map(
      ({ minor, python }) =>
        () =>
          pythonTests(`tests of the plugin, Python ${minor}`, python, []),
    ),
    ...others.map(
      ({ minor, python }) =>
        () =>
          pythonTests(`tests of the plugin without a game, Python ${minor}`, python, ['--pure']),
    ),
  ]
}

/** With one Python only, the one that has what builds a wheel: it takes most of a minute. @param {import('./python.mjs').Venv} venv */
function installed({ python }) {
  return pythonTests('the plugin installed in a new game and removed again', python, ['--install'])
}

/**
 * @param {string} title
 * @param {string} python
 * @param {string[]} args
 * @returns {Promise<Outcome>}
 */
async function pythonTests(title, python, args) {
  const { exitCode, output, tookMs } = await show(title, [python, path.join(root, 'world', 'run_tests.py'), ...args], {
    cwd: path.join(root, 'world'),
    env: { ...pythonEnv(), PATH: `${path.dirname(python)}:${process.env['PATH'] ?? ''}` },
    when: 'ended',
  })
  return { title, counts: countClosingLine(output, exitCode), tookMs, output, failures: failuresInUnittest(output) }
}

/** @param {Outcome[]} outcomes @param {string[]} notTested */
function summarise(outcomes, notTested) {
  console.log('')
  for (const { title, counts, tookMs } of outcomes) {
    console.log(`  ${counts.failed > 0 ? 'FAIL' : 'ok  '}  ${title}: ${closingLine(counts)} (${Math.round(tookMs / 1000)} s)`)
  }
  for (const sentence of notTested) console.log(`  skip  ${sentence}`)
  const total = sum([...outcomes.map((outcome) => outcome.counts), { passed: 0, failed: 0, skipped: notTested.length }])
  const failed = tellFailures(
    outcomes
      .filter(({ counts }) => counts.failed > 0)
      .flatMap(({ title, failures, output }) => (failures.length > 0 ? failures : [failureOfPart(title, output)])),
  )
  if (failed.length > 0) console.log(['', ...failed].join('\n'))
  console.log('')
  console.log(closingLine(total))
  return total.failed > 0 ? 1 : 0
}

/**
 * Runs a part of the checks, shows what it prints, and keeps it.
 * @param {string} title
 * @param {[string, ...string[]]} argv
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, when?: 'at once' | 'ended' }} [options]
 * @returns {Promise<{ exitCode: number, output: string, tookMs: number }>}
 */
function show(title, argv, options = {}) {
  const [program, ...args] = argv
  const atOnce = options.when !== 'ended'
  const startedMs = performance.now()
  if (atOnce) console.log(`\n== ${title}`)
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: options.cwd ?? root, env: options.env ?? process.env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    let asked = false
    const stop = () => {
      asked = true
      child.kill('SIGTERM')
    }
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, stop)
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input }).on('line', (line) => {
        output += `${line}\n`
        if (atOnce) console.log(indentClosingLine(line))
      })
    }
    child.once('error', reject)
    child.once('close', (code) => {
      for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(name, stop)
      if (!atOnce) console.log(`\n== ${title}\n${output.split('\n').map(indentClosingLine).join('\n')}`)
      if (asked) reject(new Interrupted())
      else resolve({ exitCode: code ?? 1, output, tookMs: performance.now() - startedMs })
    })
  })
}

if (import.meta.url === pathToFileURL(realpathSync(process.argv[1] ?? '')).href) await runCommand(() => check())
