/** Whatever the fleet is called and whatever became of it: every answer fits its screen, and nothing that one needs is lost. */
import fc from 'fast-check'
import { afterEach, expect, it } from 'vitest'
import { columnsOf } from '../../src/domain/columns.ts'
import type { Screen } from '../../src/domain/operation.ts'
import { operations } from '../../src/operations/registry.ts'
import type { PaneSighting } from '../../src/ports/host.ts'
import { agentConfig } from '../support/fleet.ts'
import { ada, openWorld, type World } from './world.ts'

const numRuns = Math.min(2_000, Number(process.env['TOWERWATCH_RUNS'] ?? 20))
const id = fc.oneof(fc.stringMatching(/^[a-z][a-z0-9-]{0,12}[a-z0-9]$/), fc.stringMatching(/^[a-z][a-z0-9-]{30,61}[a-z0-9]$/))
const words = fc.array(fc.constantFrom('disk', 'forging', '漢字', '🗼', 'a-word-that-no-narrow-screen-would-ever-hold-in-one-line', 'é'), {
  minLength: 1,
  maxLength: 12,
})
const text = words.map((list) => list.join(' ').slice(0, 190).trim())
const agent = fc.record({ id, host: fc.nat(2), name: text, doing: text, dies: fc.boolean(), reason: text })
const fleet = fc.record({
  hosts: fc.uniqueArray(id, { minLength: 3, maxLength: 3 }),
  agents: fc.uniqueArray(agent, { minLength: 1, maxLength: 12, selector: (one) => one.id }),
})
const screens: readonly Screen[] = [{ columns: 40 }, { columns: 80 }, { columns: 132 }, { columns: 40, reader: true }]

let world: World | undefined
afterEach(() => world?.stop())

type Fleet = typeof fleet extends fc.Arbitrary<infer T> ? T : never

async function opened({ hosts, agents }: Fleet): Promise<World> {
  const hostOf = ({ host }: { host: number }) => hosts[host] ?? ''
  const opened = openWorld(agents.map((one) => agentConfig(one.id, { name: one.name.slice(0, 60), host: hostOf(one) })))
  for (const one of agents) {
    const host = opened.host(hostOf(one))
    const pid = host.start(one.id)
    host.beat(one.id, { pid, epoch: 'a', busy: true, doing: one.doing })
  }
  for (const host of new Set(agents.map(hostOf))) {
    opened
      .host(host)
      .says({ services: [{ id: 'a-service-with-a-long-name', state: 'down', detail: 'Connection refused by nobody at all' }] })
    const pane: PaneSighting = { paneId: '%1', socket: '', name: `${host}:window`, state: 'dead', command: 'node', quietMs: 5_000 }
    opened.host(host).showPanes({ panes: [pane], isCut: false, blind: [] })
  }
  await opened.clock.advance(1_000)
  for (const one of agents) {
    if (one.dies) opened.host(hostOf(one)).kill(one.id)
    await opened.ask('silence', { subject: `agent:${one.id}`, duration: '2h', reason: one.reason }, { ...ada, id: one.id })
  }
  await opened.clock.advance(3_000)
  return opened
}

/** As it can be found however it was broken: without blanks and line ends. */
const joined = (lines: readonly string[]) => lines.join('').replaceAll(' ', '')

it('every seeing operation fits 40, 80 and 132 columns, with all ids, states and numbers', async () => {
  await fc.assert(
    fc.asyncProperty(fleet, async (generated) => {
      world = await opened(generated)
      const dead = generated.agents.filter(({ dies }) => dies)
      const ids = generated.agents.map((one) => one.id)
      const incidents = world.ledger.incidents({ limit: 99 })
      const usedHosts = new Set(generated.agents.map(({ host }) => generated.hosts[host] ?? ''))
      for (const screen of screens) {
        const said = async (operation: string, args: Record<string, string> = {}) => {
          const asked = { operation, arguments: args, actor: ada, via: 'tower', screen } as const
          const outcome = await (world as World).desk.request(asked, () => {})
          expect(outcome.status, `${operation}: ${outcome.lines.join(' ')}`).toBe('ok')
          const most = screen.reader ? 400 : screen.columns
          for (const line of outcome.lines) expect(columnsOf(line), `${operation} at ${screen.columns}: ${line}`).toBeLessThanOrEqual(most)
          if (screen.reader) for (const line of outcome.lines) expect(line.trim()).not.toMatch(/ {2}/)
          return joined(outcome.lines)
        }
        const all = {
          fleet: await said('fleet'),
          incidents: await said('incidents'),
          silences: await said('silences'),
          health: await said('health'),
          panes: await said('panes'),
          uptime: await said('uptime'),
          audit: await said('audit'),
          phase: await said('phase'),
        }
        for (const one of ids) for (const operation of ['fleet', 'silences', 'uptime'] as const) expect(all[operation]).toContain(one)
        for (const host of usedHosts) for (const operation of ['fleet', 'health', 'panes'] as const) expect(all[operation]).toContain(host)
        for (const { number } of incidents) expect(all.incidents).toContain(`#${number}`)
        for (const { id: one } of dead) expect(all.incidents).toContain(one)
        expect(all.fleet.match(/down\(/g) ?? []).toHaveLength(dead.length)
        expect(all.audit).toContain(String(ids.length))
        for (const one of ids.slice(0, 2)) {
          for (const operation of ['uptime', 'incidents', 'health', 'audit']) await said(operation, argumentOf(operation, one))
        }
      }
      await world.stop()
      world = undefined
    }),
    { numRuns },
  )
}, 120_000)

function argumentOf(operation: string, one: string): Record<string, string> {
  if (operation === 'uptime') return { subject: `agent:${one}` }
  return operation === 'audit' ? { about: one } : { subject: one }
}

it('none of the seeing operations was left out', () => {
  const seeing = operations.filter(({ effect }) => effect === 'sees').map(({ name }) => name)
  // watch shows lines as an agent has written them, as they come; they are wrapped like all others.
  expect(seeing.sort()).toEqual(['audit', 'fleet', 'health', 'incidents', 'panes', 'phase', 'silences', 'uptime', 'watch'])
})
