import { expect, test } from 'vitest'
import { failureOfPart, failuresInUnittest, failuresInVitest, tellFailures } from '../../setup/failures.mjs'

test('a test of vitest that failed is told with its file, its name and what it said', () => {
  const report = JSON.stringify({
    testResults: [
      {
        name: '/here/test/a.test.ts',
        status: 'failed',
        assertionResults: [
          { status: 'passed', fullName: 'one' },
          { status: 'failed', fullName: 'group two', failureMessages: ['Error: expected 1', 'Error: and 2'] },
        ],
      },
      { name: '/here/test/b.test.ts', status: 'failed', message: 'no such module', assertionResults: [] },
      { name: '/here/test/c.test.ts', status: 'passed', assertionResults: [{ status: 'passed', fullName: 'three' }] },
    ],
  })
  expect(failuresInVitest(report, '/here')).toEqual([
    { name: 'test/a.test.ts > group two', message: 'Error: expected 1\nError: and 2' },
    { name: 'test/b.test.ts', message: 'no such module' },
  ])
  expect(failuresInVitest('', '/here')).toEqual([])
})

test('a test of unittest that failed is told with the end of its traceback', () => {
  const ruler = '='.repeat(70)
  const line = '-'.repeat(70)
  const output = [
    'dots',
    ruler,
    'FAIL: test_one (tests.T.test_one)',
    line,
    'Traceback (most recent call last):',
    '  File "t.py", line 3, in test_one',
    'AssertionError: 1 != 2',
    '',
    ruler,
    'ERROR: test_two (tests.T.test_two) (size=3)',
    line,
    ...Array.from({ length: 30 }, (_none, at) => `frame ${at}`),
    'ValueError: no',
    '',
    line,
    'Ran 3 tests in 0.1s',
    '',
    '1 passed, 2 failed',
  ].join('\n')
  const [one, two] = failuresInUnittest(output)
  expect(one).toEqual({
    name: 'test_one (tests.T.test_one)',
    message: 'Traceback (most recent call last):\n  File "t.py", line 3, in test_one\nAssertionError: 1 != 2',
  })
  expect(two?.name).toBe('test_two (tests.T.test_two) (size=3)')
  expect(two?.message.split('\n').at(-1)).toBe('ValueError: no')
  expect(two?.message.split('\n')).toHaveLength(20)
  expect(failuresInUnittest('all is well\n3 passed, 0 failed\n')).toEqual([])
})

test('a part that failed without naming a test is told by its unhandled error, else by how it ended', () => {
  expect(failureOfPart('types', 'a.ts: wrong\n\n')).toEqual({ name: 'types', message: 'a.ts: wrong' })
  const output = ['all passed', '\u001b[31m Unhandled Errors \u001b[39m', 'Error: gone', '', 'Tests 3 passed'].join('\n')
  expect(failureOfPart('unit', output).message).toBe(' Unhandled Errors \nError: gone\nTests 3 passed')
})

test('what is told of failures is bounded, plain text, and says what it leaves out', () => {
  const many = Array.from({ length: 11 }, (_none, at) => ({ name: `test ${at}`, message: '\u001b[31mred\u001b[39m' }))
  expect(tellFailures(many)).toHaveLength(17)
  expect(tellFailures(many).slice(0, 2)).toEqual(['  FAIL  test 0', '    red'])
  expect(tellFailures(many).at(-1)).toBe('  … 3 more failed, see above')
  const long = tellFailures([{ name: 'one', message: Array.from({ length: 24 }, () => 'x'.repeat(1000)).join('\n') }])
  expect(long).toHaveLength(22)
  expect(Math.max(...long.map((line) => line.length))).toBe(304)
  expect(long.at(-1)).toBe('    … 4 more lines above')
})
