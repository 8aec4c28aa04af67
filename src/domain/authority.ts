/** Who may do what, as far as the watch says it: the game's locks and this machine's accounts come before it. */

export interface AuthorityPolicy {
  /** What needs a second person: an operation's name, or that with what it is about: "restart all". */
  confirm: readonly string[]
  /** How long a second person may take. */
  withinMs: number
  /** So many changes may one person ask for within `perMs`. */
  changes: number
  perMs: number
}
