/** The printed forms of the wire, made from their single sources. Pure: text in memory, written by setup/print-protocol.ts. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { OperationDeclaration } from '../domain/operation.ts'
import { PROTOCOL_VERSION, towerMessages, watchMessages } from './messages.ts'

/** JSON Schema (draft 2020-12) of every message: `{version, watch: {name: schema}, tower: {name: schema}}`, keys sorted. */
export function printProtocol(): string {
  const schemas = (messages: Record<string, z.ZodType>) =>
    Object.fromEntries(Object.entries(messages).map(([name, schema]) => [name, z.toJSONSchema(schema, { target: 'draft-2020-12' })]))
  return printJson({ version: PROTOCOL_VERSION, watch: schemas(watchMessages), tower: schemas(towerMessages) })
}

/** `{operations: [...]}` in the registry's order. */
export function printOperations(operations: readonly OperationDeclaration[]): string {
  return printJson({ operations })
}

/** SHA-256 of a printed form, as it stands in the hello and the welcome. */
export function printedHash(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}

function printJson(value: unknown): string {
  return `${JSON.stringify(sorted(value), null, 2)}\n`
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  )
}
