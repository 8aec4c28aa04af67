/** Maintenance windows as people declare them: times in which what happens was meant to, so nobody is alarmed about it. */

/** `subjects`: ids of agents or hosts, or `all`. `from`, `to`: "2026-12-24 22:00" in the fleet's time zone. */
export type MaintenanceWindow = { subjects: readonly string[]; reason: string } & (
  | { kind: 'fixed'; from: string; to: string }
  | { kind: 'cron'; cron: string; forMs: number }
)
