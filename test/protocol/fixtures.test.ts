/**
 * The accept and reject examples of the wire. The plugin's tests walk the same folders in Python, so both languages
 * agree on what a message is. A folder's name is the message's name; a file is the message's fields.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { PROTOCOL_VERSION, towerMessages, watchMessages } from '../../src/protocol/messages.ts'

const root = join(import.meta.dirname, '..', 'fixtures', 'protocol', `v${PROTOCOL_VERSION}`)
const schemas: Record<string, z.ZodType> = { ...watchMessages, ...towerMessages }

const cases = (message: string, kind: 'accept' | 'reject'): string[] => readdirSync(join(root, message, kind)).sort()
const read = (message: string, kind: string, file: string): unknown => JSON.parse(readFileSync(join(root, message, kind, file), 'utf8'))

test('every folder of fixtures is a message, and every message has a folder', () => {
  expect(readdirSync(root).sort()).toEqual(Object.keys(schemas).sort())
})

describe.each(Object.entries(schemas))('%s', (message, schema) => {
  test('has fixtures of both kinds and nothing else', () => {
    expect(readdirSync(join(root, message)).sort()).toEqual(['accept', 'reject'])
    for (const kind of ['accept', 'reject'] as const) {
      expect(cases(message, kind).length, `${message}/${kind} is empty`).toBeGreaterThan(0)
      for (const file of cases(message, kind)) expect(file).toMatch(/^[A-Za-z0-9-]+\.json$/)
    }
  })

  test.each(cases(message, 'accept'))('accepts %s and changes nothing in it', (file) => {
    const value = read(message, 'accept', file)
    const parsed = schema.safeParse(value)
    expect(parsed.error?.issues ?? []).toEqual([])
    expect(parsed.data).toEqual(value)
  })

  test.each(cases(message, 'reject'))('rejects %s', (file) => {
    expect(schema.safeParse(read(message, 'reject', file)).success).toBe(false)
  })
})
