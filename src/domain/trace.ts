/** A recorded life, line by line; `at` is in seconds from its beginning. The form is a contract with other programs. */

export interface TraceBeat {
  epoch?: string | number | undefined
  seq?: number | undefined
  progress?: number | undefined
  busy?: boolean | undefined
  pid?: number | undefined
  doing?: string | undefined
  model?: string | undefined
  /** It says of itself that it fails: why. */
  failing?: string | undefined
  /** How old it was at that moment, where it is older than the trace. */
  ageS?: number | undefined
  /** The interval that it declares itself. */
  intervalS?: number | undefined
}

export type TraceLine =
  | { at: number; agent: string; beat: TraceBeat }
  | { at: number; agent: string; process: 'gone' | 'pane-dead' | 'alive' }
  /** A standing condition that a look finds (an overdue job); null: none any more. */
  | { at: number; agent: string; condition: string | null }
  /** A person, or a marker, said so: why; null: no more. */
  | { at: number; agent: string; paused: string | null }
  | { at: number; host: string; reachable: boolean; cause?: string | undefined }
  | { at: number; watch: 'stop' | 'kill' | 'start' }
  /** The wall clock steps by so many seconds. */
  | { at: number; clock: number }
  | { at: number; end: true }
