import { expect, test } from 'vitest'
import { closingLine, countClosingLine, countVitest, indentClosingLine, sum } from '../../setup/counts.mjs'

test('the closing line counts, and names what was skipped only when something was', () => {
  expect(closingLine({ passed: 12, failed: 0, skipped: 0 })).toBe('12 passed, 0 failed')
  expect(
    closingLine(
      sum([
        { passed: 1, failed: 2, skipped: 0 },
        { passed: 3, failed: 0, skipped: 1 },
      ]),
    ),
  ).toBe('4 passed, 2 failed, 1 skipped')
})

test('a run of the plugin is counted by its closing line, the last one that stands alone', () => {
  const output = '3 passed, 0 failed\nit said: 9 passed, 9 failed\n15 passed, 2 failed, 1 skipped\n'
  expect(countClosingLine(output, 1)).toEqual({ passed: 15, failed: 2, skipped: 1 })
})

test.each([
  ['died before it counted', 'Traceback (most recent call last):', 1],
  ['ended well and ran nothing', '0 passed, 0 failed', 0],
  ['printed nothing and ended well', '', 0],
  ['counted no failure and failed', '3 passed, 0 failed', 2],
])('a run that %s is a failure', (_what, output, exitCode) => {
  expect(countClosingLine(output, exitCode).failed).toBe(1)
})

test('only the very last closing line stands alone', () => {
  expect(indentClosingLine('3 passed, 0 failed')).toBe('  3 passed, 0 failed')
  expect(indentClosingLine('it said: 3 passed, 0 failed')).toBe('it said: 3 passed, 0 failed')
})

test('vitest is counted from its report, and a file that could not be loaded is a failure', () => {
  const report = JSON.stringify({
    numPassedTests: 7,
    numFailedTests: 1,
    numPendingTests: 2,
    numTodoTests: 0,
    testResults: [
      { status: 'failed', assertionResults: [{ status: 'failed' }, { status: 'passed' }] },
      { status: 'failed', assertionResults: [] },
      { status: 'passed', assertionResults: [{ status: 'passed' }] },
    ],
  })
  expect(countVitest(report, 1)).toEqual({ passed: 7, failed: 2, skipped: 2 })
})

test('a vitest that died without a report, or failed outside of its tests, is a failure', () => {
  expect(countVitest('', 1)).toEqual({ passed: 0, failed: 1, skipped: 0 })
  expect(countVitest(JSON.stringify({ numPassedTests: 3, testResults: [] }), 1)).toEqual({ passed: 3, failed: 1, skipped: 0 })
})
