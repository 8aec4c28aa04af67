import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { hasCode } from '../domain/failure.ts'

/** Replaces a file in one step: whoever reads it sees the old one or the new one, whole. */
export function replaceFile(file: string, text: string, mode: number): void {
  const draft = `${file}.${process.pid}.new`
  writeFileSync(draft, text, { mode })
  renameSync(draft, file)
}

/** What a file holds, or undefined where there is none. Any other fault is thrown. */
export function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}
