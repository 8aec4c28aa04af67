/** What a Tower may ask of the watch: the fleet to mirror, alerts to tell, operations to do. */
import type { Desk } from '../desk/desk.ts'
import type { Actor } from '../domain/operation.ts'
import type { Operation, Outcome } from '../operations/operation.ts'
import type { TowerHandlers, TowerRequest } from '../ports/tower.ts'
import type { Outbox } from './outbox.ts'

/** The only Tower there is so far: what it was told is kept under this name, whatever its address. */
const theTower = 'tower'
const maxLines = 400
const maxLineLength = 400

export interface TowerRequestPorts {
  desk: Desk
  outbox: Outbox
  operations: readonly Operation[]
  fleet: TowerHandlers['fleet']
  history: TowerHandlers['history']
}

export function towerHandlers(ports: TowerRequestPorts): TowerHandlers {
  const { desk, outbox } = ports
  return {
    fleet: ports.fleet,
    history: ports.history,
    unacknowledged: (limit) => outbox.untold(theTower, limit),
    acknowledged: (alertId) => outbox.told(theTower, alertId),
    request: (request, answer) => void serve(request, answer),
    refused: ({ operation, arguments: args, actor, reason }) => {
      void desk.refusedElsewhere({ operation, arguments: args, actor: inTheGame(actor), via: 'tower' }, reason)
    },
  }

  async function serve(request: TowerRequest, answer: Parameters<TowerHandlers['request']>[1]): Promise<void> {
    const { id, operation, actor } = request
    const say = (status: Outcome['status'] | 'accepted' | 'running', lines: string[]) =>
      answer({ id, operation, status, actor, lines: atMost(lines).map((line) => line.slice(0, maxLineLength)) })
    if (ports.operations.find(({ name }) => name === operation)?.effect === 'acts') say('accepted', [])
    const asked = {
      operation,
      arguments: request.arguments,
      actor: inTheGame(actor),
      via: 'tower' as const,
      ...(request.screen && { screen: request.screen }),
    }
    const outcome = await desk.request(asked, (line) => say('running', [line]))
    say(outcome.status, outcome.lines)
  }
}

/** The Tower speaks for its accounts and objects only: whoever it names, it is never the watch itself nor a user of this machine. */
function inTheGame(actor: Actor): Actor {
  return { ...actor, kind: actor.kind === 'object' ? 'object' : 'account' }
}

/** What is left out is said. */
function atMost(lines: string[]): string[] {
  return lines.length > maxLines ? [...lines.slice(0, maxLines - 1), `… and ${lines.length - maxLines + 1} more lines.`] : lines
}
