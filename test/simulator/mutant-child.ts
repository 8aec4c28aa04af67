/**
 * Runs small simulations with the sources in the folder that it is given, until they find something
 * wrong of the kind that is sought, and prints what they found: how much of each kind.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

type Simulator = typeof import('../../src/simulator/simulate.ts')
type Fleet = typeof import('../../src/simulator/fleet.ts')
type Faults = typeof import('../../src/simulator/faults.ts')
type Lives = typeof import('../../src/simulator/lives.ts')

const [root = '.', sought = ''] = process.argv.slice(2)
const load = (file: string) => import(pathToFileURL(join(root, 'src', 'simulator', file)).href)
const { simulate } = (await load('simulate.ts')) as Simulator
const { generatedFleet } = (await load('fleet.ts')) as Fleet
const { parseFaults } = (await load('faults.ts')) as Faults
const { tameJitter } = (await load('lives.ts')) as Lives

const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
const found: Record<string, number> = {}
for (let seed = 1; seed <= 16 && found[sought] === undefined; seed++) {
  const config = generatedFleet({ seed, agents: 12, hosts: 3 })
  const { verdict } = await simulate({ config, seed, days: 1, faults: parseFaults('60'), jitter: tameJitter }, { log })
  for (const { kind } of verdict.findings) found[kind] = (found[kind] ?? 0) + 1
  if (verdict.ledgerErrorMs > 1_000) found['ledger-error'] = verdict.ledgerErrorMs
}
process.stdout.write(`${JSON.stringify(found)}\n`)
