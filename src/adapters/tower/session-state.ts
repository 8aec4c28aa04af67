/** Where the session with a Tower stands, and how that is told. */
import { assertNever } from '../../domain/assert-never.ts'
import type { TowerLink } from '../../ports/tower.ts'
import type { TowerConnection } from '../../ports/tower-transport.ts'
import { PROTOCOL_VERSION } from '../../protocol/messages.ts'
import { oneLine } from './one-line.ts'
import type { Pinger } from './pinger.ts'

export interface Live {
  connection: TowerConnection
  pinger: Pinger
  /** Of the server that answered last; undefined until one did. */
  boot: string | undefined
  since: number
}

export type State =
  | { kind: 'waiting'; until: number; reason: string }
  | { kind: 'connecting'; attempt: object; abort: AbortController }
  | { kind: 'hello'; attempt: object; live: Live }
  | { kind: 'connected'; attempt: object; live: Live; game: string; plugin: string }
  | { kind: 'mismatch'; attempt: object; live: Live; sentence: string }
  | { kind: 'stopped' }

export function liveOf(state: State): Live | undefined {
  return 'live' in state ? state.live : undefined
}

export function linkOf(state: State, transport: string, now: number): TowerLink {
  switch (state.kind) {
    case 'connecting':
    case 'hello':
      return { kind: 'connecting' }
    case 'connected':
      return { kind: 'connected', game: state.game, plugin: state.plugin, transport }
    case 'mismatch':
      return { kind: 'mismatch', sentence: state.sentence }
    case 'waiting':
      return { kind: 'down', reason: state.reason, retryInMs: Math.max(0, state.until - now) }
    case 'stopped':
      return { kind: 'down', reason: 'the watch has stopped', retryInMs: 0 }
    default:
      return assertNever(state)
  }
}

export function mismatchSentence(watch: string, plugin: string, differing: string): string {
  const mend =
    watch === plugin ? 'Restart the watch and reload the game, so that both run what is installed.' : 'Update the older of the two.'
  return `The watch (${watch}, protocol ${PROTOCOL_VERSION}) and the Tower's plugin (${oneLine(plugin, 40)}) do not fit together: ${differing} differ. ${mend}`
}
