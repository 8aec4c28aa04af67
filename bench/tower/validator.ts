/** What the plugin's check of a frame costs, beside the general validator that one would take from the shelf. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import type { Player } from '../../test/support/player.ts'
import type { BenchmarkContext, Figure, Outcome } from '../benchmark.ts'
import { answerOf } from './ask.ts'
import { fleetOf, fleetSize, stateFrame } from './fleet.ts'

const run = promisify(execFile)
const found = z.object({ ours: z.number(), theirs: z.number() })
/** Of the library; a version of its own, so that two runs compare. */
const version = '4.25.1'

/** With the Python that runs the game; the library goes into var/ only. */
export async function measureValidator(warden: Player, { root, say, signal }: BenchmarkContext): Promise<Outcome> {
  const python = await pythonOf(warden)
  const library = join(root, 'var', 'bench', `jsonschema-${version}`)
  const trouble = await install(python, library, signal)
  if (trouble !== undefined) return { figures: {}, comparisons: {}, leftOut: [trouble] }
  const script = join(import.meta.dirname, 'game', 'validator.py')
  const measured = run(python, [script, join(root, 'world'), library], { signal, timeout: 60_000 })
  measured.child.stdin?.end(JSON.stringify(stateFrame('bench', 1, fleetOf(fleetSize, 'validator').agents).data))
  const { ours, theirs } = found.parse(JSON.parse((await measured).stdout))
  say(`validator: ${ours.toFixed(1)} ms for a frame, jsonschema ${theirs.toFixed(1)} ms`)
  const ms = (value: number, whose: Figure['whose'], means: string): Figure => ({ value, unit: 'ms', better: 'lower', whose, means })
  return {
    figures: {
      check_frame_ms: ms(ours, 'ours', `CPU of the plugin's check of a frame of ${fleetSize} agents`),
      jsonschema_check_frame_ms: ms(theirs, 'theirs', `the same by jsonschema ${version}, which only says whether it is valid`),
    },
    comparisons: { check_frame_vs_jsonschema: { ours: 'check_frame_ms', theirs: 'jsonschema_check_frame_ms' } },
    leftOut: [],
  }
}

async function pythonOf(warden: Player): Promise<string> {
  const line = await answerOf(warden, 'game/crowd.py', 'python()', /python: /)
  return line.slice(line.indexOf('python: ') + 'python: '.length).trim()
}

/** Answers why it could not be done, in a sentence; undefined where it was, now or before. */
async function install(python: string, library: string, signal: AbortSignal): Promise<string | undefined> {
  if (existsSync(join(library, 'jsonschema'))) return undefined
  try {
    await run(python, ['-m', 'pip', 'install', '--quiet', '--target', library, `jsonschema==${version}`], { signal, timeout: 120_000 })
    return undefined
  } catch (error) {
    signal.throwIfAborted()
    const why = error instanceof Error ? error.message : String(error)
    return `jsonschema's figure: it could not be installed into var/bench (${why.split('\n').filter(Boolean).at(-1)?.slice(0, 200)}).`
  }
}
