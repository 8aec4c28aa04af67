import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { printedHash, printProtocol } from '../../src/protocol/print.ts'

const file = join(import.meta.dirname, '..', '..', 'world', 'evennia_towerwatch', 'protocol.schema.json')

test('the schema that the plugin reads is the one that is printed from the messages', () => {
  expect(readFileSync(file, 'utf8'), 'run: npm run protocol:print').toBe(printProtocol())
})

test('the schema says nothing that JSON Schema would drop: no message prints as an empty schema', () => {
  const printed = JSON.parse(printProtocol())
  for (const schema of [
    ...Object.values<Record<string, unknown>>(printed.watch),
    ...Object.values<Record<string, unknown>>(printed.tower),
  ]) {
    expect(schema['additionalProperties']).toBe(false)
    expect(Object.keys(schema['properties'] ?? {})).toContain('v')
  }
})

test('the hash of a printed form is 64 hexadecimal digits and follows every byte', () => {
  expect(printedHash('a')).toMatch(/^[0-9a-f]{64}$/)
  expect(printedHash('a')).not.toBe(printedHash('a\n'))
})
