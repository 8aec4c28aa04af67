/** The real Hermes that set-up has installed for the tests (setup/hermes.mjs). */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** The path of `hermes`. Throws where set-up has not been done: a suite that quietly tests less is worse than a red one. */
export function hermesProgram(): string {
  const program = join(import.meta.dirname, '..', '..', 'var', 'hermes', 'bin', 'hermes')
  if (!existsSync(program))
    throw new Error('These tests need Hermes in a virtual environment of their own: run npm test once, which makes it')
  return program
}
