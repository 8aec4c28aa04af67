import { expect, test } from 'vitest'
import { closingLine, countUnittest, countVitest, sum } from '../../setup/counts.mjs'

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

test('unittest is counted over all the runs in one output', () => {
  const output = [
    'Ran 12 tests in 0.101s\n\nOK (skipped=1)',
    'noise',
    'Ran 1 test in 3.2s\n\nOK',
    'Ran 5 tests in 9.0s\n\nFAILED (failures=1, errors=1)',
  ].join('\n')
  expect(countUnittest(output, 1)).toEqual({ passed: 15, failed: 2, skipped: 1 })
})

test.each([
  ['died before it counted', 'Traceback (most recent call last):', 1],
  ['ended well and ran nothing', 'Ran 0 tests in 0.000s\n\nNO TESTS RAN', 0],
  ['printed nothing and ended well', '', 0],
  ['counted no failure and failed', 'Ran 3 tests in 0.1s\n\nOK', 2],
])('a Python run that %s is a failure', (_what, output, exitCode) => {
  expect(countUnittest(output, exitCode).failed).toBe(1)
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
