/** `--dry-run` and its like: words that may stand anywhere in a typed line. typed.py does the same in the plugin. */
import type { ArgumentDeclaration } from './operation.ts'

/** What is typed for a flag: `--dry-run` for the argument `dryRun`. */
export function flagWord(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/**
 * Takes the declared flags out of the words; the others stay in their order. Only a whole word that is one counts, in any
 * case, and also where a keyboard made a dash of the two hyphens, or one of them is missing (of two, a game that is read
 * aloud shows none): a dry run that is not seen as one would be done.
 */
export function takeFlags(
  declared: readonly ArgumentDeclaration[],
  words: readonly string[],
): { rest: string[]; flags: Record<string, string> } {
  const known = new Map(declared.filter(({ kind }) => kind === 'flag').map(({ name }) => [flagWord(name), name]))
  const nameOf = (word: string) => known.get(word.toLowerCase().replace(/^(?:--?|[\u2013\u2014])/, '--'))
  const flags: Record<string, string> = {}
  for (const word of words) {
    const name = nameOf(word)
    if (name !== undefined) flags[name] = 'yes'
  }
  return { rest: words.filter((word) => nameOf(word) === undefined), flags }
}
