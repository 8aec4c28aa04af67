/** How people are told: alerts, sinks, maintenance, and who watches the watch. */
import { z } from 'zod'
import { command, duration, durationFrom, durationOrNone, idText, off, secret, url } from './parts.ts'

/** A URL that is a secret itself, or stands in the file. */
const secretUrl = z.union([url, secret], { error: 'expected a URL, or { env: NAME } or { file: path } that holds one' })
export const sink = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('webhook'),
    url: secretUrl,
    /** Sent as `Authorization: Bearer …`. */
    token: secret.optional(),
    after: duration.optional(),
  }),
  z.strictObject({ kind: z.literal('command'), run: command, after: duration.optional() }),
])

/** A day and a time in the fleet's time zone: 2026-12-24 22:00. */
const localTime = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}$/, { error: 'expected a day and a time in the fleet\'s time zone, such as "2026-12-24 22:00"' })
const windowCommon = { subjects: z.array(idText).min(1), reason: z.string().min(1).max(200) }
export const maintenance = z.union(
  [
    z.strictObject({ ...windowCommon, from: localTime, to: localTime }),
    z.strictObject({ ...windowCommon, cron: z.string().min(1).max(100), for: duration }),
  ],
  { error: 'expected { subjects, reason } with either { from, to } or { cron, for }' },
)

export const alerts = z.strictObject({
  /** News of one moment are gathered for so long into one alert. */
  groupWait: durationOrNone.default(300),
  /** After one alert, the next news of its kind are gathered for so long. */
  groupInterval: durationOrNone.default(5_000),
  /** An open, unacknowledged problem is told again so often. */
  remind: z.union([off, duration], { error: 'expected "off" or a duration such as "4h"' }).default(4 * 3_600_000),
  /** Who changes so often between up and down keeps one incident open until it has been stable for a while. */
  flapping: z
    .union(
      [
        off,
        z.strictObject({
          changes: z.int().min(2).max(20).default(4),
          within: duration.default(5 * 60_000),
          stable: duration.default(10 * 60_000),
        }),
      ],
      { error: 'expected "off" or { changes: 4, within: 5m, stable: 10m }' },
    )
    .prefault({}),
})

export const deadman = z.strictObject({
  /** An outside dead man's switch that is pinged while the watch is well: the watch's own death makes it call. */
  ping: secretUrl.optional(),
  every: duration.default(60_000),
  /** The watch is dead when its own beat, one every five seconds, is older. */
  stale: durationFrom(15_000).default(60_000),
  /** The unit that runs the watch, restarted at most once per window. */
  unit: z
    .string()
    .regex(/^[A-Za-z0-9@_][A-Za-z0-9@._-]{0,120}$/, { error: 'expected the name of a unit or job' })
    .default('towerwatch.service'),
  scope: z.enum(['system', 'user']).default('user'),
  window: duration.default(15 * 60_000),
})
