import { stripVTControlCharacters } from 'node:util'

/** So many lines are told of all that failed, shared out among them, of at most so many characters. */
const ALL_LINES = 24
const MAX_LINES = 20
const MIN_LINES = 4
const MAX_CHARACTERS = 300
/** So many are told; whoever sees more of them has one cause to look for. */
const MAX_TOLD = 8

/**
 * What failed, told once more where a long run ends: a service that keeps only the end of a log then still says which test it was.
 *
 * @typedef {{ name: string, message: string }} Failure  the name has the file in it
 */

/**
 * What vitest's JSON report says of the tests that failed, and of the files that could not be loaded.
 * @param {string} report  its text; '' when vitest died before writing it
 * @param {string} folder  what the names of files are shown without
 * @returns {Failure[]}
 */
export function failuresInVitest(report, folder) {
  /** @type {{ testResults?: { name: string, status: string, message?: string, assertionResults: { status: string, fullName: string, failureMessages?: string[] }[] }[] }} */
  const json = report === '' ? {} : JSON.parse(report)
  return (json.testResults ?? []).flatMap((file) => {
    const name = file.name.startsWith(`${folder}/`) ? file.name.slice(folder.length + 1) : file.name
    const tests = file.assertionResults.filter(({ status }) => status === 'failed')
    if (tests.length === 0 && file.status === 'failed') return [{ name, message: file.message ?? '' }]
    return tests.map((test) => ({ name: `${name} > ${test.fullName}`, message: (test.failureMessages ?? []).join('\n') }))
  })
}

/**
 * What Python's unittest says of the tests that failed: a ruler, `FAIL: test_x (module.Class.test_x)`, a ruler, the traceback.
 * @param {string} output
 * @returns {Failure[]}
 */
export function failuresInUnittest(output) {
  const heads = [...output.matchAll(/^={70}\n(?:FAIL|ERROR|UNEXPECTED SUCCESS): (.+)\n/gm)]
  return heads.map((head) => {
    const rest = output.slice(head.index + head[0].length)
    const [said = ''] = rest.split(/^={70}$|^-{70}\nRan /m)
    // The end of a traceback is what went wrong.
    const lines = said
      .split('\n')
      .filter((line) => line.trim() !== '' && !/^-{70}$/.test(line))
      .slice(-MAX_LINES)
    return { name: head[1] ?? '', message: lines.join('\n') }
  })
}

/**
 * What a part says that failed without naming a test: what vitest calls an unhandled error, else how its output ends.
 * @param {string} title @param {string} output
 * @returns {Failure}
 */
export function failureOfPart(title, output) {
  const lines = stripVTControlCharacters(output)
    .split('\n')
    .filter((line) => line.trim() !== '')
  const unhandled = lines.findIndex((line) => line.includes('Unhandled Error'))
  return { name: title, message: lines.slice(unhandled === -1 ? -MAX_LINES : unhandled).join('\n') }
}

/**
 * @param {Failure[]} failures
 * @returns {string[]} lines
 */
export function tellFailures(failures) {
  const each = Math.max(MIN_LINES, Math.min(MAX_LINES, Math.floor(ALL_LINES / failures.length)))
  const told = failures.slice(0, MAX_TOLD).flatMap(({ name, message }) => {
    const lines = stripVTControlCharacters(message).split('\n')
    const shown = lines.slice(0, each).map((line) => `    ${line.slice(0, MAX_CHARACTERS)}`.trimEnd())
    const left = lines.length - each
    return [`  FAIL  ${name}`, ...shown, ...(left > 0 ? [`    … ${left} more lines above`] : [])]
  })
  const left = failures.length - MAX_TOLD
  return left > 0 ? [...told, `  … ${left} more failed, see above`] : told
}
