/** Everything a person can ask the watch for, in the order in which help lists it. */
import type { OperationDeclaration } from '../domain/operation.ts'
import { ack, unack } from './ack.ts'
import { fleet } from './fleet.ts'
import { health } from './health.ts'
import { incidents } from './incidents.ts'
import type { Operation } from './operation.ts'
import { pause, resume } from './pause.ts'
import { phase } from './phase.ts'
import { restart } from './restart.ts'
import { maintenance, silence, silences, unsilence } from './silence.ts'
import { uptime } from './uptime.ts'

export const operations: readonly Operation[] = [
  fleet,
  health,
  restart,
  phase,
  uptime,
  incidents,
  ack,
  unack,
  silence,
  silences,
  unsilence,
  maintenance,
  pause,
  resume,
]

/** Their declarations alone, as they are printed to operations.json. */
export function declarations(): OperationDeclaration[] {
  return operations.map((operation) => {
    if (operation.effect === 'sees') {
      const { run: _, ...declaration } = operation
      return declaration
    }
    const { run: _, plan: __, oneAtATime: ___, ...declaration } = operation
    return declaration
  })
}
