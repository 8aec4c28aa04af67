/** Which keys a zod schema knows at a path: what a typo is compared with. */
import { z } from 'zod'

/** `data` decides between the members of a union over `kind`. */
export function knownKeys(schema: z.ZodType, path: readonly PropertyKey[], data: unknown): string[] {
  let current: z.core.$ZodType = unwrap(schema, data)
  let value = data
  for (const step of path) {
    value = value !== null && typeof value === 'object' ? (value as Record<PropertyKey, unknown>)[step] : undefined
    const next = child(current, step)
    if (!next) return []
    current = unwrap(next, value)
  }
  if (current instanceof z.ZodUnion) return [...new Set(objects(current).flatMap((member) => Object.keys(member.shape)))]
  return current instanceof z.ZodObject ? Object.keys(current.shape) : []
}

function child(schema: z.core.$ZodType, step: PropertyKey): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodObject) return schema.shape[String(step)]
  if (schema instanceof z.ZodRecord) return schema.valueType
  if (schema instanceof z.ZodArray) return schema.element
  return undefined
}

function unwrap(schema: z.core.$ZodType, value: unknown): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return unwrap(schema.unwrap(), value)
  if (!(schema instanceof z.ZodUnion)) return schema
  const members = objects(schema)
  const given = value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {}
  const ofKind = members.find((member) => {
    const literal = member.shape['kind']
    return literal instanceof z.ZodLiteral && literal.values.has(given['kind'] as string)
  })
  // Without a kind, the form that the value shares a key with; with neither, any form is meant.
  return ofKind ?? members.find((member) => Object.keys(given).some((key) => Object.hasOwn(member.shape, key))) ?? schema
}

function objects(schema: z.ZodUnion): z.ZodObject[] {
  return schema.options.filter((option): option is z.ZodObject => option instanceof z.ZodObject)
}
