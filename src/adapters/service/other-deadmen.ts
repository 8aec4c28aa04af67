/** Other deadman switches on this machine: two that restart one thing behind each other's back are worse than none. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ServiceError } from '../../ports/service.ts'
import type { Commands } from './command.ts'
import { readIfThere } from './steps.ts'
import { timerNames } from './systemd.ts'

export interface OtherDeadman {
  /** "line 3 of your crontab". */
  where: string
  /** The line or the name, without URLs: some of them are secrets. */
  what: string
  /** What a person would type to look at it. */
  look: string
}

export interface OtherPlaces {
  commands: Commands
  /** Files in the form of /etc/crontab. */
  crontabs: readonly string[]
  /** Folders of such files, and of launchd's plists. */
  crontabFolders: readonly string[]
  plistFolders: readonly string[]
  /** A line or a name with one of these in it is this fleet's own. */
  own: readonly string[]
}

export function usualPlaces(commands: Commands, home: string, own: readonly string[]): OtherPlaces {
  return {
    commands,
    own,
    crontabs: ['/etc/crontab'],
    crontabFolders: ['/etc/cron.d'],
    plistFolders: [join(home, 'Library', 'LaunchAgents'), '/Library/LaunchAgents', '/Library/LaunchDaemons'],
  }
}

const suspicious = /dead-?man|watchdog|heartbeat/i
/** Ours, and what every system has under such a name. */
const harmless = /towerwatch[^\s]*deadman|systemd-watchdog/i

/** Reads only, and finds what it may read; what it may not is told in `unread`. */
export async function otherDeadmen(places: OtherPlaces): Promise<{ found: OtherDeadman[]; unread: string[] }> {
  const found: OtherDeadman[] = []
  const unread: string[] = []
  const isOther = (text: string) => suspicious.test(text) && !harmless.test(text) && !places.own.some((name) => text.includes(name))
  const attempt = async (work: () => void | Promise<void>) => {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error
      unread.push(error.message)
    }
  }
  const lines = (where: string, text: string, look: string) => {
    for (const [index, line] of text.split('\n').entries())
      if (!line.trim().startsWith('#') && isOther(line)) found.push({ where: `line ${index + 1} of ${where}`, what: shown(line), look })
  }
  await attempt(async () => {
    if (!places.commands.has('crontab')) return
    const { code, stdout } = await places.commands.run(['crontab', '-l'])
    if (code === 0) lines('your crontab', Buffer.from(stdout, 'latin1').toString(), 'crontab -e')
  })
  for (const file of [...places.crontabs, ...places.crontabFolders.flatMap(filesIn)])
    await attempt(() => lines(file, readIfThere(file) ?? '', `less ${file}`))
  await attempt(async () => {
    for (const name of await timerNames(places.commands))
      if (isOther(name)) found.push({ where: 'a systemd timer', what: name, look: `systemctl cat ${name}` })
  })
  for (const file of places.plistFolders.flatMap(filesIn).filter((name) => name.endsWith('.plist')))
    await attempt(() => {
      if (isOther(`${file}\n${readIfThere(file) ?? ''}`)) found.push({ where: 'a launchd job', what: file, look: `plutil -p ${file}` })
    })
  return { found, unread }
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(folder, entry.name))
      .sort()
  } catch {
    // No such folder on this system, or not ours to read: then it is not ours to use either.
    return []
  }
}

function shown(line: string): string {
  const clean = line
    .replace(/[a-z]+:\/\/\S+/gi, '<a URL>')
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim()
  return clean.length > 160 ? `${clean.slice(0, 159)}…` : clean
}
