/** What has to be true of every player's night, worked out from the roles and the ledger alone. */
import { stripVTControlCharacters } from 'node:util'
import type { AlertRecord } from '../../../src/ports/ledger.ts'
import type { Role } from './cast.ts'

const hostOfRoom: Record<Role['place'], string | undefined> = { 'VPS Bezalel': 'bezalel', 'Watch Room': undefined, nowhere: undefined }

/** How often this player is to read this alert. */
export function timesFor(role: Role, { kind, subjects }: Pick<AlertRecord, 'kind' | 'subjects'>): number {
  if (role.verbosity === 'quiet' && kind !== 'problem' && kind !== 'recovery') return 0
  if (role.verbosity !== 'all') return 1
  const isSaidInRoom = role.place === 'Watch Room' || subjects.some(({ host }) => host === hostOfRoom[role.place])
  return isSaidInRoom ? 2 : 1
}

/** Whether this line says this alert, in a room or on the channel, with the numbers of its incidents or without. */
export function says(line: string, { text }: Pick<AlertRecord, 'text'>): boolean {
  const said = line.replace(/^\[Fleet\] /, '')
  return said.startsWith(text) && /^( \(incidents? #\d+(, #\d+)*( and \d+ more)?\))?$/.test(said.slice(text.length).trimEnd())
}

/** Of what the game itself says to everybody. */
export function isOfTheGame(line: string): boolean {
  return /Server restart/.test(line)
}

/** What a colour stands for, and the words of which one has to stand in it. By the number of the terminal's colour. */
const meanings = new Map<number, RegExp>([
  [1, /down|unreachable|failed|stale|open|is over already/],
  [2, /\bup\b|reachable again|fresh/],
  [3, /late|still|flapping|timeout|refused|second person|no answer|not answered/],
  [4, /paused|maintenance/],
  [5, /unreachable/],
])

/** Pieces of text whose colour says something that their words don't: none, if all is well. */
export function saidByColourAlone(coloured: readonly string[]): string[] {
  return coloured.flatMap((line) =>
    line.split(/(?=\x1b\[)/).flatMap((piece) => {
      const [, codes = ''] = /^\x1b\[([\d;]*)m/.exec(piece) ?? []
      const words = stripVTControlCharacters(piece).trim()
      const colour = colourOf(codes)
      const meaning = colour === undefined ? undefined : meanings.get(colour)
      return meaning === undefined || !/\w/.test(words) || meaning.test(words) ? [] : [`colour ${colour}: ${words}`]
    }),
  )
}

/** The eight colours, bright or not, in each of the ways in which a terminal may be told. */
function colourOf(codes: string): number | undefined {
  const [, of256] = /^38;5;(\d+)$/.exec(codes) ?? []
  if (of256 !== undefined) return Number(of256) < 16 ? Number(of256) % 8 : undefined
  const plain = codes
    .split(';')
    .map(Number)
    .find((code) => (code >= 30 && code <= 37) || (code >= 90 && code <= 97))
  return plain === undefined ? undefined : plain % 10
}
