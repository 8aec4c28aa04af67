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

/**
 * What Python's unittest printed, over all the runs in one output ("Ran 12 tests in 0.1s", then "OK (skipped=1)" or
 * "FAILED (failures=1, errors=2)").
 * @param {string} output @param {number} exitCode
 * @returns {Counts}
 */
export function countUnittest(output, exitCode) {
  const runs = [...output.matchAll(/^Ran (\d+) tests? in [^\n]*\n\s*(?:OK|FAILED|NO TESTS RAN)(?: \(([^)\n]*)\))?$/gm)].map(
    ([, ran, details]) => {
      const of = Object.fromEntries((details ?? '').split(', ').map((detail) => detail.split('=')))
      const failed = Number(of['failures'] ?? 0) + Number(of['errors'] ?? 0) + Number(of['unexpected successes'] ?? 0)
      const skipped = Number(of['skipped'] ?? 0)
      // An error outside of any test (a module that can't be loaded, a class that can't be set up) isn't among those run.
      return { passed: Math.max(0, Number(ran) - failed - skipped), failed, skipped }
    },
  )
  return withExitCode(sum(runs), exitCode)
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
