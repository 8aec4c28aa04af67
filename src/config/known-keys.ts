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
  return current instanceof z.ZodObject ? Object.keys(current.shape) : []
}

function child(schema: z.core.$ZodType, step: PropertyKey): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodObject) return schema.shape[String(step)]
  if (schema instanceof z.ZodRecord) return schema.valueType
  if (schema instanceof z.ZodArray) return schema.element
  return undefined
}

function unwrap(schema: z.core.$ZodType, value: unknown): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return unwrap(schema.unwrap(), value)
  if (schema instanceof z.ZodUnion) {
    const kind = value !== null && typeof value === 'object' ? (value as Record<string, unknown>)['kind'] : undefined
    const members = schema.options.filter((option): option is z.ZodObject => option instanceof z.ZodObject)
    const chosen = members.find((member) => {
      const literal = member.shape['kind']
      return literal instanceof z.ZodLiteral && literal.values.has(kind as string)
    })
    return chosen ?? members[0] ?? schema
  }
  return schema
}
