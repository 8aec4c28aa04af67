/** Everything a person can ask the watch for, in the order in which help lists it. */
import type { ArgumentDeclaration, OperationDeclaration } from '../domain/operation.ts'
import { ack, unack } from './ack.ts'
import { audit } from './audit.ts'
import { cancel } from './cancel.ts'
import { confirm } from './confirm.ts'
import { fleet } from './fleet.ts'
import { health } from './health.ts'
import { incidents } from './incidents.ts'
import { keepSettings } from './keep-settings.ts'
import type { Operation } from './operation.ts'
import { panes } from './panes.ts'
import { pause, resume } from './pause.ts'
import { phase } from './phase.ts'
import { respawn } from './respawn.ts'
import { restart } from './restart.ts'
import { rollBack } from './roll-back.ts'
import { maintenance, silence, silences, unsilence } from './silence.ts'
import { uptime } from './uptime.ts'
import { watch } from './watch.ts'

/** Everything that changes something can be tried without changing it. */
const dryRun: ArgumentDeclaration = { name: 'dryRun', kind: 'flag', required: false, help: 'only tell what would be done; change nothing' }

export const operations: readonly Operation[] = [
  fleet,
  health,
  restart,
  rollBack,
  keepSettings,
  panes,
  respawn,
  watch,
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
  confirm,
  cancel,
  audit,
].map((operation: Operation) => (operation.effect === 'acts' ? { ...operation, arguments: [...operation.arguments, dryRun] } : operation))

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
