import { sayCause } from '../domain/alert.ts'
import { sayDuration } from '../domain/duration.ts'
import type { Operation } from './operation.ts'
import { table } from './table.ts'

const shown = 20

export const incidents: Operation = {
  name: 'incidents',
  aliases: [],
  summary: 'What went wrong, newest first',
  help: 'The last incidents: number, who, why, since when, how long. Open ones come first.',
  arguments: [{ name: 'agent', kind: 'agent-or-host', required: false, help: 'only those of this agent or host' }],
  examples: ['incidents', 'incidents ezra'],
  effect: 'sees',
  answeredBy: 'watch',
  deadlineMs: 10_000,

  async run(args, context) {
    const subject = args['agent']
    const found = context.ledger.incidents({ limit: shown, ...(subject !== undefined && { subject }) })
    const nowMs = context.clock.now()
    if (found.length === 0)
      return {
        status: 'ok',
        lines: [subject === undefined ? 'No incident so far.' : `No incident of ${subject} so far.`],
        data: { incidents: [] },
      }
    return {
      status: 'ok',
      lines: table(
        ['number', 'who', 'why', 'began', 'lasted'],
        found.map((incident) => [
          `#${incident.number}`,
          incident.subject.kind === 'host' ? `host ${incident.subject.id}` : incident.subject.id,
          sayCause(incident.cause),
          `${sayDuration(nowMs - incident.openedMs)} ago`,
          incident.closedMs === undefined ? 'still open' : sayDuration(incident.closedMs - incident.openedMs),
        ]),
      ),
      data: {
        incidents: found.map((incident) => ({
          number: incident.number,
          ...(incident.subject.kind === 'host' ? { host: incident.subject.id } : { agent: incident.subject.id }),
          cause: incident.cause,
          openedAt: new Date(incident.openedMs).toISOString(),
          ...(incident.closedMs !== undefined && {
            closedAt: new Date(incident.closedMs).toISOString(),
            durationMs: Math.round(incident.closedMs - incident.openedMs),
          }),
        })),
      },
    }
  },
}
