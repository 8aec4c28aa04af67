/**
 * @typedef {{ passed: number, failed: number, skipped: number }} Counts
 */

/** @param {Counts[]} all @returns {Counts} */
export function sum(all) {
  return all.reduce(
    (one, two) => ({ passed: one.passed + two.passed, failed: one.failed + two.failed, skipped: one.skipped + two.skipped }),
    { passed: 0, failed: 0, skipped: 0 },
  )
}

/**
 * The line that a test run ends with: "12 passed, 0 failed, 1 skipped".
 * @param {Counts} counts
 */
export function closingLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

/**
 * What vitest's JSON report counts. A file that can't even be loaded has no tests in it and is one failure.
 * @param {string} report  its text; '' when vitest died before writing it
 * @param {number} exitCode
 * @returns {Counts}
 */
export function countVitest(report, exitCode) {
  /** @type {{ numPassedTests?: number, numFailedTests?: number, numPendingTests?: number, numTodoTests?: number, testResults?: { status: string, assertionResults: { status: string }[] }[] }} */
  const json = report === '' ? {} : JSON.parse(report)
  const broken = (json.testResults ?? []).filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((result) => result.status === 'failed'),
  ).length
  return withExitCode(
    {
      passed: json.numPassedTests ?? 0,
      failed: (json.numFailedTests ?? 0) + broken,
      skipped: (json.numPendingTests ?? 0) + (json.numTodoTests ?? 0),
    },
    exitCode,
  )
}

const CLOSING_LINE = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm

/**
 * What a test run says in its closing line, the last one if there are several.
 * @param {string} output @param {number} exitCode
 * @returns {Counts}
 */
export function countClosingLine(output, exitCode) {
  const [, passed, failed, skipped] = [...output.matchAll(CLOSING_LINE)].pop() ?? []
  return withExitCode({ passed: Number(passed ?? 0), failed: Number(failed ?? 0), skipped: Number(skipped ?? 0) }, exitCode)
}

/**
 * Shows somebody else's closing line as one of many: only the very last line of it all stands alone.
 * @param {string} line
 */
export function indentClosingLine(line) {
  return line.replace(CLOSING_LINE, '  $&')
}

/**
 * No count may hide that the run as a whole failed, or that it ran nothing.
 * @param {Counts} counts @param {number} exitCode
 * @returns {Counts}
 */
function withExitCode(counts, exitCode) {
  const fine = exitCode === 0 && counts.passed + counts.failed > 0
  return fine || counts.failed > 0 ? counts : { ...counts, failed: 1 }
}
