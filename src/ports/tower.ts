/** A Tower as the rest of the watch sees it: somewhere to mirror the fleet, to speak, and to be asked. */
import type { AgentView, HostView, TowerMessages, WatchMessages } from '../protocol/messages.ts'

export type TowerRequest = TowerMessages['tower_request']
export type TowerRefusal = TowerMessages['tower_refused']
export type Alert = Omit<WatchMessages['tower_alert'], 'v'>
export type Result = Omit<WatchMessages['tower_result'], 'v'>
export type HistoryPart = Omit<WatchMessages['tower_history'], 'v' | 'boot' | 'history'>

/** Ids; who is not in the fleet any more is left out. */
export interface FleetPart {
  hosts: ReadonlySet<string>
  agents: ReadonlySet<string>
}

/** What the session asks of the rest of the watch. */
export interface TowerHandlers {
  /** The fleet as it is at this moment, or those of it: all that they say is checked, so that less is cheaper. */
  fleet(only?: FleetPart): { hosts: HostView[]; agents: AgentView[] }
  /** The last 30 days, in parts, the first with the incidents. Rejects where the ledger can't be read. */
  history(): Promise<HistoryPart[]>
  /** Alerts not yet acknowledged by this Tower, oldest first, at most `limit`. */
  unacknowledged(limit: number): Alert[]
  /** The Tower has said this alert and keeps its id on disk. Throws where that can't be noted: then it is told again later. */
  acknowledged(alertId: string): void
  /** Called once per request id, however often the Tower repeats the request. `answer` may be called until a final result. */
  request(request: TowerRequest, answer: (result: Result) => void): void
  refused(refusal: TowerRefusal): void
}

export type TowerLink =
  | { kind: 'connecting' }
  | { kind: 'connected'; game: string; plugin: string; transport: string }
  /** Versions or schemas differ: the sentence that both sides say. */
  | { kind: 'mismatch'; sentence: string }
  | { kind: 'down'; reason: string; retryInMs: number }

export interface Tower {
  /** The fleet changed: these agents and hosts are to be mirrored, latest wins. */
  changed(ids: { agents: Iterable<string>; hosts: Iterable<string> }): void
  /** There may be new alerts in the outbox. */
  alertsWaiting(): void
  /** The fleet's declaration changed: send everything anew. */
  redeclare(): void
  /** How it stands, and since when by the watch's clock. */
  link(): { state: TowerLink; sinceMs: number }
  stop(): Promise<void>
}
