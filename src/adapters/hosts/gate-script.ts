/** The gate's text, put together from its parts. One program in the end: what a host runs is this and nothing else. */
import { readFile } from 'node:fs/promises'

/** In this order. `loop` comes last: nothing runs before its last line. */
const gateParts = [
  'answers',
  'allow',
  'declare',
  'processes',
  'files',
  'panes',
  'pane-verbs',
  'tail',
  'journal',
  'configs',
  'agents',
  'beats',
  'deaths',
  'top',
  'services',
  'probe',
  'lock',
  'orders',
  'acts',
  'stop',
  'plan',
  'start',
  'start-pane',
  'hermes',
  'launchd',
  'loop',
] as const

/** From the files beside this module, in src as in dist. */
export async function gateScript(): Promise<string> {
  const parts = gateParts.map((part) => readFile(new URL(`./gate/${part}.sh`, import.meta.url), 'utf8'))
  return (await Promise.all(parts)).join('\n')
}
