/**
 * The part of `towerwatch run` that the deadman deals with: the control socket, the own beat, the orderly stop. Its Tower is
 * connected as OWN_TOWER says; what it would announce goes to its standard output.
 */
import { mkdirSync } from 'node:fs'
import { startControlServer } from '../../src/adapters/control/server.ts'
import { socketPath } from '../../src/adapters/control/socket-path.ts'
import { thisMachine } from '../../src/adapters/own-beat/machine.ts'
import { loadConfig } from '../../src/config/load.ts'
import { startOwnLife } from '../../src/shell/own-life.ts'

const config = loadConfig(process.argv[2] ?? 'fleet.yaml', process.env)
mkdirSync(config.stateDir, { recursive: true })
const control = await startControlServer(socketPath(config.stateDir), async () => ({ status: 'ok', lines: ['here'] }))
const log = (_fields: object, message: string) => console.log(message)
const life = startOwnLife(config, thisMachine(), { debug: log, info: log, warn: log, error: log })
life.watches({
  own: () => ({ ledger: 'writable', tower: process.env['OWN_TOWER'] === 'none' ? 'not-connected' : 'connected', sinceSweepMs: 0 }),
  // Without a Tower nothing is told: the deadman does it.
  announce: (alert) => {
    if (process.env['OWN_TOWER'] === 'none') return new Promise(() => {})
    console.log(`announced ${alert.id}`)
    return Promise.resolve()
  },
})
// Lives and answers, but beats no more, as with a disk that takes nothing.
process.on('SIGUSR2', () => void life.stop('failed').then(() => console.log('mute')))
process.on('SIGTERM', async () => {
  await life.stop('in-order')
  await control.stop()
})
