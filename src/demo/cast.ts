/** Who plays in the demo: six agents on four hosts. Plain data. */

export interface Role {
  id: string
  name: string
  /** `local`, or one of SSH_HOSTS. */
  host: string
  kind: 'pane' | 'process'
  format: 'json' | 'mtime' | 'epoch'
  model: string
  /** What the watch does when it dies. */
  policy: 'auto' | 'off'
}

/** The hosts that are an sshd of their own. Their agents' panes live in the same tmux server as all the others. */
export const SSH_HOSTS = ['ezra', 'allegro', 'bezalel'] as const

/** The one whom nobody brings back but the newcomer. */
export const NEWCOMERS_AGENT = 'bezalel'

export const CAST: readonly Role[] = [
  { id: 'timmy', name: 'Timmy', host: 'local', kind: 'pane', format: 'json', model: 'hermes-4-14b', policy: 'auto' },
  { id: 'bezalel', name: 'Bezalel', host: 'bezalel', kind: 'pane', format: 'json', model: 'gemma-3-27b', policy: 'off' },
  { id: 'ezra', name: 'Ezra', host: 'ezra', kind: 'pane', format: 'json', model: 'hermes-4-70b', policy: 'auto' },
  { id: 'allegro', name: 'Allegro', host: 'allegro', kind: 'pane', format: 'epoch', model: 'kimi-k2', policy: 'auto' },
  { id: 'code-claw', name: 'Code Claw', host: 'local', kind: 'pane', format: 'mtime', model: 'qwen-3-coder', policy: 'auto' },
  { id: 'gemini', name: 'Gemini', host: 'local', kind: 'process', format: 'json', model: 'gemini-2.5-pro', policy: 'auto' },
]

/** A worker beats this often. */
export const BEAT_S = 2
/** What fleet.yaml promises of it: the watch reads at its own rhythm, so a beat may look up to two of them old and is not late yet. */
export const PERIOD = '4s'
export const GRACE = '4s'
