import { expect, it } from 'vitest'
import { sayAsked } from '../../src/domain/audit.ts'

it.each([
  ['silence', { duration: '10m', reason: 'new disk', subject: 'host:ezra' }, 'silence host ezra 10m new disk'],
  ['ack', { comment: 'I am on it', incident: '12', kind: 'sticky' }, 'ack 12 sticky I am on it'],
  ['maintenance', { duration: '30m', reason: 'new kernel', subject: 'all' }, 'maintenance all 30m new kernel'],
  ['roll-back', { agent: 'ezra', alive: 'alive' }, 'roll-back ezra alive'],
  ['cancel', {}, 'cancel'],
])('what was asked for is said in the order in which it is typed: %s', (operation, args, said) => {
  expect(sayAsked({ operation, arguments: args })).toBe(said)
})
