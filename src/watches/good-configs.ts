/**
 * Keeps the settings that agents live well with, on their hosts, so that there is something to go back to. An agent has lived
 * well with them when it has been up for ten minutes, they have been the same all that time, and were there when it began:
 * what was changed since is read at the next start, and may be what it dies of then.
 */
import type { Config } from '../config/config.ts'
import type { Desk } from '../desk/desk.ts'
import type { Clock } from '../ports/clock.ts'
import { type ConfigSighting, HostError, type HostLink } from '../ports/host.ts'
import type { Log } from '../ports/log.ts'
import type { Roster } from './roster.ts'

const wellMs = 600_000
const lookEveryMs = 300_000

const watchItself = { kind: 'watch', id: 'watch', name: 'the watch' } as const

export interface GoodConfigsPorts {
  roster: Pick<Roster, 'agent'>
  desk: Pick<Desk, 'request'>
  hands: (host: string) => HostLink | undefined
  clock: Clock
  log: Log
}

export function startGoodConfigs(config: () => Config, { roster, desk, hands, clock, log }: GoodConfigsPorts): { stop(): Promise<void> } {
  /** What the files of an agent were when they were first seen so, and when that was. */
  const seen = new Map<string, { signature: string; sinceMs: number }>()
  const stopping = new AbortController()
  let timer = clock.after(lookEveryMs, () => void begin())
  let looking = Promise.resolve()

  function begin(): void {
    looking = look().finally(() => {
      if (!stopping.signal.aborted) timer = clock.after(lookEveryMs, begin)
    })
  }

  async function look(): Promise<void> {
    const { agents } = config()
    for (const id of seen.keys()) if (!agents.has(id)) seen.delete(id)
    // One after the other: nobody waits for it, and reading settings costs their hosts a little.
    for (const { id, host, configs } of agents.values()) {
      if (stopping.signal.aborted) return
      const link = hands(host)
      if (configs.length > 0 && link && isUp(id)) await lookAt(id, link)
      else seen.delete(id)
    }
  }

  function isUp(id: string): boolean {
    const status = roster.agent(id)?.status
    return status?.state === 'up' && clock.now() - status.sinceMs >= wellMs
  }

  async function lookAt(id: string, link: HostLink): Promise<void> {
    let files: ConfigSighting[]
    try {
      files = await link.configs(id)
    } catch (error) {
      if (!(error instanceof HostError)) throw error
      log.debug({ agent: id, err: error.message }, 'the settings of an agent could not be looked at')
      return
    }
    const signature = files.map(({ hash }) => hash ?? '-').join(' ')
    const before = seen.get(id)
    const sinceMs = before?.signature === signature ? before.sinceMs : clock.now()
    seen.set(id, { signature, sinceMs })
    const isNew = files.some(({ hash, goodHash }) => hash !== undefined && hash !== goodHash)
    const isGood = files.every(({ form, written }) => form !== 'broken' && written !== 'after')
    if (!isNew || !isGood || clock.now() - sinceMs < wellMs || !isUp(id)) return
    const request = {
      operation: 'keep-settings',
      arguments: { agent: id },
      actor: watchItself,
      via: 'watch',
      why: 'it has lived well with them',
    } as const
    const { status, lines } = await desk.request(request, () => {})
    log.info({ agent: id, status, lines }, 'good settings')
  }

  return {
    stop: async () => {
      stopping.abort()
      timer.cancel()
      await looking
    },
  }
}
