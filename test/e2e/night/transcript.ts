/** A player's night as a text file, and what two such files differ in. */
import type { Role } from './cast.ts'
import { plain } from './plain.ts'
import type { Scene } from './recorder.ts'

const programs: Record<Role['program'], string> = {
  tintin: 'tintin++ in a terminal',
  telnet: 'a telnet client',
  websocket: 'a websocket client',
  chromium: 'the web client in Chromium',
}

export function transcriptOf(role: Role, scenes: readonly Scene[]): string {
  const place = role.place === 'nowhere' ? 'out of character, so on the channel only' : `in the room ${role.place}`
  const reader = role.screenReader === 'on' ? ', with the option SCREENREADER' : ''
  const head = `${role.name}: ${programs[role.program]}, ${place}, verbosity ${role.verbosity}${reader}`
  const parts = scenes.map((scene) => [`== ${scene.title}`, ...linesOf(role.name, scene)].join('\n'))
  return `${[head, ...parts].join('\n\n')}\n`
}

/** What was heard, and where it was typed, what was typed. */
function linesOf(name: string, { heard, typed }: Scene): string[] {
  const mine = typed.filter(({ who }) => who === name)
  const lines = heard.get(name) ?? []
  const isFolded = foldedCommands(lines)
  return Array.from({ length: lines.length + 1 }, (_, index) => [
    ...mine.filter(({ after }) => after === index).map(({ line }) => plain(`> ${line}`)),
    ...lines
      .slice(index, index + 1)
      .filter(() => !isFolded[index])
      .map(plain),
  ]).flat()
}

/** The command that an agent is started with holds paths, and is folded wherever they end: its first line tells enough. */
function foldedCommands(lines: readonly string[]): boolean[] {
  let isIn = false
  return lines.map((line) => {
    const isFolded = isIn && line.startsWith('  ')
    isIn = isFolded || line.startsWith('start: ')
    return isFolded
  })
}

/**
 * What is missing from tonight's and what is too much in it, scene by scene, each line with its scene before it. The order of
 * lines within a scene is left out: what the watch says of its own accord falls between the lines of an answer as it comes.
 */
export function differences(kept: string, tonight: string): string[] {
  const [before, now] = [countsOf(kept), countsOf(tonight)]
  return [...new Set([...before.keys(), ...now.keys()])].flatMap((line) => {
    const more = (now.get(line) ?? 0) - (before.get(line) ?? 0)
    return more === 0 ? [] : [`${more > 0 ? `+${more}` : more} ${line}`]
  })
}

function countsOf(transcript: string): Map<string, number> {
  const counts = new Map<string, number>()
  let scene = ''
  for (const line of transcript.split('\n')) {
    if (line.startsWith('== ')) scene = line
    for (const each of apart(line)) counts.set(`${scene} | ${each}`, (counts.get(`${scene} | ${each}`) ?? 0) + 1)
  }
  return counts
}

/** Whether two that come back at nearly the same time are told of in one line or two is chance, and with it where their numbers stand. */
function apart(told: string): string[] {
  const line = /back up/.test(told) ? told.replace(/ \(incidents? #[^)]*\)$/, '') : told
  const together = /^(.*?)\d+ agents are back up: (.*)\.$/.exec(line)
  if (!together) return line === '' ? [] : [line]
  return (together[2] ?? '').split(', ').map((one) => `${together[1]}${one.replace(' after ', ' is back up after ')}.`)
}
