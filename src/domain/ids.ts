/**
 * The one form a name may have wherever it may come near a shell, a file name or game markup: agents, hosts, fleets.
 * `(?!\n)` is there for Python, whose `$` also matches before a final newline; both languages share this pattern.
 */
export const ID_PATTERN = '^[a-z0-9][a-z0-9_.-]{0,62}$(?!\\n)'

const idPattern = new RegExp(ID_PATTERN)

export function isId(text: string): boolean {
  return idPattern.test(text)
}
