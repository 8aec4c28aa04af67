/**
 * Who asked for an operation. `account`: a game account, by its database id; `object`: a thing or an NPC of the game, by its own;
 * `shell`: a user of this machine; `watch`: itself.
 * `from`: where that person sat, as far as it is known ("telnet 127.0.0.1", "tty pts/3"): a label for the audit.
 */
export interface Actor {
  kind: 'account' | 'object' | 'shell' | 'watch'
  id: string
  name: string
  from?: string | undefined
}

/** What the one who asked reads an answer on. */
export interface Screen {
  /** How many signs stand in one line, from `screenLimits.least` to `screenLimits.most`. */
  columns: number
  /** It is read aloud: sentences, and no columns. */
  reader?: boolean | undefined
}

export const screenLimits = { least: 20, most: 500 } as const

/** What somebody has to be allowed: to look, to act on the fleet, or to act on all of it and on the watch itself. */
type Role = 'see' | 'operate' | 'admin'

/**
 * What is typed behind an operation's name, in this order. How it is taken apart: arguments.ts, and typed.py in the plugin.
 *
 * agent, host, agent-or-host: an id, a name, or the beginning of one. subject: an agent, a host, or `all`.
 * incident: a number (`12`, `#12`), or an agent or host whose open incident is meant. number: of a silence or maintenance.
 * duration: `30m`, `2h`, `1d`, also with `for` before it. choice: one of its words. text: the rest of the line; only as the last.
 * flag: `--dry-run`, anywhere in the line, for the argument `dryRun`; its value is `yes`. word: one word as it stands, of at
 * most 200 characters. pane: a pane's name, or an agent that lives in one; only as the last but flags, for names hold blanks.
 */
export type ArgumentDeclaration = {
  /** `agent`, `duration`, `reason`… as it stands in usage lines and in the request's arguments. */
  name: string
  /** Several optional ones in a row may be typed in any order. */
  required: boolean
  /** One line for help. */
  help: string
} & (
  | { kind: 'agent' | 'host' | 'agent-or-host' | 'subject' | 'incident' | 'number' | 'duration' | 'text' | 'flag' | 'word' | 'pane' }
  | { kind: 'choice'; words: string[] }
)

/**
 * What a person may ask for, as data: printed to operations.json, from which the Tower makes its commands and help.
 * The Tower decides by its own locks who may; `role` only tells it which lock to ask.
 */
export interface OperationDeclaration {
  /** What is typed: `restart`. Lower case, `-` inside. */
  name: string
  aliases: string[]
  /** One line, no full stop. */
  summary: string
  /** What it does, what it answers; a few sentences. */
  help: string
  arguments: ArgumentDeclaration[]
  examples: string[]
  /** `sees` changes nothing; `acts` changes something and is audited before it happens, and knows the flag `dryRun`. */
  effect: 'sees' | 'acts'
  role: Role
  /** The role it takes where its subject is a host or everything. */
  roleForMany?: Role
  /** The role it takes where its subject is everything; left out: that for many. */
  roleForAll?: Role
  /** `watch`: the Tower asks the watch. `tower`: answered by the Tower alone from what it mirrors. `shell`: not in the game. */
  answeredBy: 'watch' | 'tower' | 'shell'
  /** How long a person waits for the end of it. */
  deadlineMs: number
}
