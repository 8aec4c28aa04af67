/** Does the steps of an installation, one by one, and prints them for a dry run. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { codeOf, hasCode } from '../../domain/failure.ts'
import { ServiceError, type Step } from '../../ports/service.ts'
import { type Commands, sayEnd } from './command.ts'

/** Resolves with a sentence where something tolerated failed. Rejects with ServiceError. */
export async function performStep(step: Step, commands: Commands): Promise<string | undefined> {
  if (step.kind === 'run') {
    const end = await commands.run(step.argv, step.input)
    if (end.code === 0) return undefined
    const said = sayEnd(step.argv, end)
    if (step.tolerated) return said
    throw new ServiceError(said)
  }
  try {
    if (step.kind === 'remove') rmSync(step.path, { force: true })
    else writeWhole(step.path, step.text)
    return undefined
  } catch (error) {
    throw new ServiceError(`${step.path} can't be ${step.kind === 'remove' ? 'removed' : 'written'}: ${codeOf(error)}`)
  }
}

/** As a person would do it by hand. */
export function sayStep(step: Step): string {
  if (step.kind === 'remove') return `remove ${step.path}`
  if (step.kind === 'write') return `write ${step.path}:\n${indented(step.text)}`
  const command = `run ${step.argv.map(quotedForPeople).join(' ')}`
  return step.input === undefined
    ? command
    : `${command}, with this on its input:\n${indented(Buffer.from(step.input, 'latin1').toString())}`
}

const indented = (text: string): string => text.replace(/\n$/, '').replace(/^/gm, '    ')
const quotedForPeople = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)

/** All of it or nothing of it. A link in its place is replaced, not followed. */
function writeWhole(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  const temporary = `${path}.towerwatch.tmp`
  try {
    writeFileSync(temporary, text, { mode: 0o644 })
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

/** Undefined where there is none. Rejects with ServiceError. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw new ServiceError(`${path} can't be read: ${codeOf(error)}`)
  }
}

/** It is somebody's own, or another fleet's: neither overwritten nor removed. */
export function foreign(path: string): ServiceError {
  return new ServiceError(
    `${path} was not written by Towerwatch for this fleet. Move it away, or give this fleet a name of its own in fleet.yaml: deadman: { unit: towerwatch-night.service }`,
  )
}

/** What none of the three can take in a path or an argument, in any quoting. */
export function refuseControl(words: readonly string[]): void {
  const bad = words.find((word) => /\p{Cc}|\p{Surrogate}/u.test(word))
  if (bad !== undefined)
    throw new ServiceError(
      `${JSON.stringify(bad)} holds a newline or another control character, which no unit or crontab can hold: rename it or move it.`,
    )
}
