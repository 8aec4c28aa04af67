/** Who spends the night in the Tower: with which program, in which room, and how much of it he wants to hear. Plain data. */

export type Program = 'tintin' | 'telnet' | 'websocket' | 'chromium'

/** `nowhere`: out of character, so on the channel only. */
type Place = 'Watch Room' | 'VPS Bezalel' | 'nowhere'

export interface Role {
  name: string
  program: Program
  place: Place
  verbosity: 'quiet' | 'normal' | 'all'
  screenReader: 'off' | 'on'
}

/** Their transcripts are kept in docs/night. The first three are accounts of every test game. */
export const CAST = [
  { name: 'keeper', program: 'tintin', place: 'Watch Room', verbosity: 'normal', screenReader: 'off' },
  { name: 'warden', program: 'websocket', place: 'Watch Room', verbosity: 'normal', screenReader: 'off' },
  { name: 'visitor', program: 'chromium', place: 'VPS Bezalel', verbosity: 'normal', screenReader: 'off' },
  { name: 'homer', program: 'telnet', place: 'Watch Room', verbosity: 'all', screenReader: 'on' },
  { name: 'sleeper', program: 'websocket', place: 'nowhere', verbosity: 'quiet', screenReader: 'off' },
] as const satisfies Role[]

const PROGRAMS: readonly Program[] = ['tintin', 'websocket', 'telnet', 'chromium']
const PLACES: readonly Place[] = ['Watch Room', 'VPS Bezalel', 'nowhere']
const VERBOSITIES: readonly Role['verbosity'][] = ['quiet', 'normal', 'all']

/** More who only listen: each program with one place and verbosity after the other. */
export function listeners(count: number): Role[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `listener${index + 1}`,
    program: PROGRAMS[index % 4] ?? 'telnet',
    place: PLACES[index % 3] ?? 'nowhere',
    verbosity: VERBOSITIES[Math.floor(index / 3) % 3] ?? 'normal',
    screenReader: index % 5 === 0 ? 'on' : 'off',
  }))
}
