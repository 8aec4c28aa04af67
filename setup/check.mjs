import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, realpathSync, rmSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { closingLine, countClosingLine, countVitest, indentClosingLine, sum } from './counts.mjs'
import { findNode24 } from './node.mjs'
import { root, varDir } from './paths.mjs'
import { Interrupted, SetupError } from './progress.mjs'
import { EVENNIA_LINES, pythonEnv, readyVenvs } from './python.mjs'
import { readOr } from './stamp.mjs'
import { runCommand } from './steps.mjs'

/**
 * @typedef {import('./counts.mjs').Counts} Counts
 * @typedef {{ title: string, counts: Counts }} Outcome
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
  const tool = (program) => /** @type {[string, string]} */ ([node, realpathSync(path.join(root, 'node_modules', '.bin', program))])

  /** @type {Outcome[]} */
  const outcomes = []
  /** @param {string} title @param {[string, ...string[]]} argv @param {string} [cwd] */
  const one = async (title, argv, cwd = root) => {
    const { exitCode } = await show(title, argv, { cwd })
    outcomes.push({ title, counts: exitCode === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 } })
  }
  await one('types', [...tool('tsc'), '-p', '.'])
  await one('format and layers', [...tool('biome'), 'ci', '--error-on-warnings'])
  await one('nothing unused', [...tool('knip')])
  await one('protocol and operations in step with world/', [node, path.join(root, 'setup', 'print-protocol.ts'), '--check'])
  await one('Python lint', [ruff, 'check', 'world', 'setup'])
  await one('Python format', [ruff, 'format', '--check', 'world', 'setup'])

  const report = path.join(varDir, 'test', 'vitest.json')
  mkdirSync(path.dirname(report), { recursive: true })
  rmSync(report, { force: true })
  // The plugin's tests compute, ours mostly wait for programs: side by side they take little longer than ours alone.
  const ours = async () => {
    const { exitCode } = await show('tests', [
      ...tool('vitest'),
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ])
    return [{ title: 'tests', counts: countVitest(readOr(report, ''), exitCode) }]
  }
  const ofThePlugin = async () => {
    /** @type {Outcome[]} */
    const found = []
    const suites = [
      ...venvs.map((venv) => ({ title: `tests of the plugin, Python ${venv.minor}`, venv, args: [] })),
      // With one Python only, the one that has what builds a wheel: it takes most of a minute.
      { title: 'the plugin installed in a new game and removed again', venv: withChecks, args: ['--install'] },
    ]
    for (const { title, venv, args } of suites) {
      const { exitCode, output } = await show(title, [venv.python, path.join(root, 'world', 'run_tests.py'), ...args], {
        cwd: path.join(root, 'world'),
        env: { ...pythonEnv(), PATH: `${venv.bin}:${process.env['PATH'] ?? ''}` },
        when: 'ended',
      })
      found.push({ title, counts: countClosingLine(output, exitCode) })
    }
    return found
  }
  outcomes.push(...(await Promise.all([ours(), ofThePlugin()])).flat())

  const notTested = [...(options.notTested ?? [])]
  for (const line of EVENNIA_LINES) {
    if (!venvs.some((venv) => line.minors.includes(venv.minor))) {
      notTested.push(`${line.requirements.replace('.txt', '')}: no Python ${line.minors.join(' or ')} here that it could be tested on`)
    }
  }
  return summarise(outcomes, notTested)
}

/** @param {Outcome[]} outcomes @param {string[]} notTested */
function summarise(outcomes, notTested) {
  console.log('')
  for (const { title, counts } of outcomes) console.log(`  ${counts.failed > 0 ? 'FAIL' : 'ok  '}  ${title}: ${closingLine(counts)}`)
  for (const sentence of notTested) console.log(`  skip  ${sentence}`)
  const total = sum([...outcomes.map((outcome) => outcome.counts), { passed: 0, failed: 0, skipped: notTested.length }])
  console.log('')
  console.log(closingLine(total))
  return total.failed > 0 ? 1 : 0
}

/**
 * Runs a part of the checks, shows what it prints, and keeps it.
 * @param {string} title
 * @param {[string, ...string[]]} argv
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, when?: 'at once' | 'ended' }} [options]
 * @returns {Promise<{ exitCode: number, output: string }>}
 */
function show(title, [program, ...args], options = {}) {
  const atOnce = options.when !== 'ended'
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
      else resolve({ exitCode: code ?? 1, output })
    })
  })
}

if (import.meta.url === pathToFileURL(realpathSync(process.argv[1] ?? '')).href) await runCommand(() => check())
