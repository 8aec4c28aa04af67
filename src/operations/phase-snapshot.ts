/** A snapshot file of the fleet's own making (configs/phase-1-snapshot.json) → PhaseSnapshot, or every fault in it. */
import { z } from 'zod'
import { messageOf } from '../domain/failure.ts'
import type { PhaseSnapshot } from '../domain/phase.ts'

const percent = z
  .number({ error: 'expected a number from 0 to 100' })
  .min(0, 'expected a number from 0 to 100')
  .max(100, 'expected a number from 0 to 100')

const snapshotSchema = z.strictObject({
  fleet_operational: z.boolean({ error: 'expected true or false' }),
  uptime_30d_percent: percent,
  days_at_95_percent: z.int({ error: 'expected a whole number, 0 or more' }).min(0, 'expected a whole number, 0 or more'),
  capacity_utilization_percent: percent,
})

export function parseSnapshot(text: string): { snapshot: PhaseSnapshot } | { faults: string[] } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return { faults: [`not JSON: ${messageOf(error)}`] }
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return { faults: ['expected a JSON object'] }
  const parsed = snapshotSchema.safeParse(value)
  if (parsed.success) return { snapshot: parsed.data }
  const given: object = value
  return {
    faults: parsed.error.issues.flatMap((issue) => {
      if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => `unknown key "${key}"`)
      const key = String(issue.path[0] ?? '')
      return [Object.hasOwn(given, key) ? `${key}: ${issue.message}` : `missing key "${key}": ${issue.message}`]
    }),
  }
}
