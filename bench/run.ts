/**
 * `npm run bench -- NAME [--json] [--keep]`: runs one benchmark and prints what it found.
 *
 * stdout is the result's alone: a table, or with `--json` one object `{name, machine, figures, ratios}`. How far it is goes to
 * stderr. `--keep` also writes bench/results/NAME.json, with the date. Ends with 0; 1 where it failed, 2 where it was
 * called wrongly, 130 where somebody stopped it.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Benchmark } from './benchmark.ts'
import { describeMachine, loadNow } from './machine.ts'
import { benchmarks } from './registry.ts'
import { type Run, report, table } from './report.ts'

const root = join(import.meta.dirname, '..')

interface Call {
  benchmark: Benchmark
  json: boolean
  keep: boolean
}

function readCall(argv: string[]): Call | { wrong: string } {
  try {
    const { values, positionals } = parseArgs({
      args: argv,
      options: { json: { type: 'boolean', default: false }, keep: { type: 'boolean', default: false } },
      allowPositionals: true,
    })
    const [name, ...more] = positionals
    if (name === undefined) return { wrong: 'which benchmark?' }
    if (more.length > 0) return { wrong: `one benchmark at a time: ${more.join(' ')} is too much` }
    const benchmark = benchmarks.find((each) => each.name === name)
    return benchmark ? { benchmark, json: values.json, keep: values.keep } : { wrong: `there is no benchmark ${JSON.stringify(name)}` }
  } catch (error) {
    return { wrong: error instanceof Error ? error.message : String(error) }
  }
}

function usage(wrong: string): string {
  const list = benchmarks.map(({ name, about }) => `  ${name}  ${about}`)
  return [wrong, '', 'Usage: npm run bench -- NAME [--json] [--keep]', '', 'Benchmarks:', ...list, ''].join('\n')
}

async function run({ benchmark, json, keep }: Call): Promise<number> {
  const say = (text: string) => void process.stderr.write(`${text}\n`)
  const byPerson = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => byPerson.abort())
  const tooLong = AbortSignal.timeout(benchmark.withinMs)
  const loadBefore = loadNow()
  try {
    const outcome = await benchmark.run({ root, say, signal: AbortSignal.any([byPerson.signal, tooLong]) })
    const done: Run = { name: benchmark.name, machine: describeMachine(loadBefore), outcome }
    for (const sentence of outcome.leftOut) say(`Left out: ${sentence}`)
    if (keep) say(`Kept in ${keepResult(done)}`)
    process.stdout.write(json ? `${JSON.stringify(report(done), null, 2)}\n` : `${table(done)}\n`)
    return 0
  } catch (error) {
    if (byPerson.signal.aborted) {
      say('Stopped; everything it had started is ended.')
      return 130
    }
    if (tooLong.aborted) say(`${benchmark.name} was not done within ${benchmark.withinMs / 1000} s.`)
    say(error instanceof Error ? (error.stack ?? error.message) : String(error))
    return 1
  }
}

/** The last full run, by its date. Answers the file. */
function keepResult(done: Run): string {
  const folder = join(root, 'bench', 'results')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${done.name}.json`)
  const { leftOut } = done.outcome
  const result = { date: new Date().toISOString(), ...report(done), ...(leftOut.length > 0 && { leftOut: leftOut.join(' ') }) }
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`)
  return file
}

const call = readCall(process.argv.slice(2))
if ('wrong' in call) {
  process.stderr.write(usage(call.wrong))
  process.exitCode = 2
} else {
  process.exitCode = await run(call)
}
