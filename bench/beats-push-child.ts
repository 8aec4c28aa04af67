/** The watch as far as posted beats go: the real engine, its ledger in a file, and the real server. argv: folder, agents. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { systemClock } from '../src/adapters/clock.ts'
import { openLedger } from '../src/adapters/ledger/sqlite.ts'
import { httpBeatSource } from '../src/adapters/push/server.ts'
import { Secret } from '../src/config/config.ts'
import { openEngine } from '../src/engine.ts'
import type { Log } from '../src/ports/log.ts'
import { startPostedBeats } from '../src/watches/posted-beats.ts'
import { agentConfig, fleetConfig } from '../test/support/fleet.ts'
import { benchAgent } from './watch/bench-agent.ts'

const [folder = '', agents = ''] = process.argv.slice(2)
const config = fleetConfig(
  Array.from({ length: Number(agents) }, (_, index) => {
    const { id, token } = benchAgent(index)
    return agentConfig(id, { heartbeat: { kind: 'push', token: new Secret(token) }, timing: { periodMs: 60_000, graceMs: 120_000 } })
  }),
)
const tell = (_fields: object, message: string) => void process.send?.({ trouble: message })
const log: Log = {
  debug: () => {},
  info: (fields, message) => {
    if (message === 'beats may be posted') process.send?.(fields)
  },
  warn: tell,
  error: tell,
}
const ledger = openLedger(join(folder, 'ledger.sqlite'))
const engine = openEngine(config, { ledger, clock: systemClock, log, newId: randomUUID })
const listen = { host: '127.0.0.1', port: 0 }
const posted = startPostedBeats(config, {
  source: httpBeatSource({ listen, clock: systemClock, log }),
  roster: engine.roster,
  ledger,
  clock: systemClock,
  log,
})
const sweep = setInterval(() => engine.sweep(), 5_000)
process.on('message', () => {
  // What was answered with OK must be there.
  void stop().then((beats) => process.send?.({ beats }))
})
process.on('disconnect', () => process.exit())

async function stop(): Promise<number> {
  clearInterval(sweep)
  await posted.stop()
  await engine.stop()
  await ledger.close()
  const kept = openLedger(join(folder, 'ledger.sqlite'), 'read')
  const { beats } = kept.remembered()
  await kept.close()
  let sum = 0
  for (const beat of beats.values()) sum += beat.seq ?? 0
  return sum
}
