import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'

/**
 * A stamp says what a finished step was made from. It is written last, so a step that was interrupted has none, and is
 * done again. The next start compares one short file instead of asking a program.
 */

/** @param {string} file @param {string} hash @returns {boolean} */
export function isStamped(file, hash) {
  return readOr(file, '').trim() === hash
}

/** @param {string} file @param {string} hash */
export function stamp(file, hash) {
  writeWhole(file, `${hash}\n`)
}

/**
 * Writes a file that is either the old one or the whole new one, never half of it.
 * @param {string} file @param {string} text @param {number} [mode]
 */
export function writeWhole(file, text, mode = 0o644) {
  mkdirSync(path.dirname(file), { recursive: true })
  const temporary = `${file}.${process.pid}.tmp`
  writeFileSync(temporary, text, { mode })
  renameSync(temporary, file)
}

/**
 * The hash of some texts (or of what lies in files), in order.
 * @param {(string | { file: string } | { folder: string })[]} parts
 * @returns {string}
 */
export function hashOf(parts) {
  const hash = createHash('sha256')
  /** @param {string | Buffer} data */
  const add = (data) => {
    hash.update(`${data.length}:`)
    hash.update(data)
  }
  for (const part of parts) {
    if (typeof part === 'string') add(part)
    else if ('file' in part) add(readFileSync(part.file))
    else
      for (const file of filesIn(part.folder)) {
        add(file)
        add(readFileSync(path.join(part.folder, file)))
      }
  }
  return hash.digest('hex')
}

const LEFT_BY_PYTHON = /^(__pycache__|.*\.egg-info|\.ruff_cache|.*\.pyc)$/

/**
 * Every file below a folder, relative and sorted, without what Python leaves behind.
 * @param {string} folder
 * @returns {string[]}
 */
export function filesIn(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !LEFT_BY_PYTHON.test(entry.name))
    .flatMap((entry) =>
      entry.isDirectory() ? filesIn(path.join(folder, entry.name)).map((below) => path.join(entry.name, below)) : [entry.name],
    )
    .sort()
}

/**
 * What a file says, or `otherwise` when there is no such file.
 * @param {string} file @param {string} otherwise @returns {string}
 */
export function readOr(file, otherwise) {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (isMissing(error)) return otherwise
    throw error
  }
}

/** @param {unknown} error @returns {boolean} */
export function isMissing(error) {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}
