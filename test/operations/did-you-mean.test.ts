/** What is mistyped is met with what was meant, and the beginning of a name will do. test/desk and typed.py have the rest. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { operations } from '../../src/operations/registry.ts'
import { agentConfig } from '../support/fleet.ts'
import { openWorld, type World } from './world.ts'

let world: World
afterEach(() => world.stop())
beforeEach(async () => {
  const body = { kind: 'pane', socket: '/tmp/tmux', target: 'wizards:timmy' } as const
  world = openWorld([agentConfig('timmy', { body }), agentConfig('bezalel', { host: 'forge' })])
  const local = world.host('local')
  local.beat('timmy', { pid: local.start('timmy'), epoch: 'a' })
  const pane = { socket: '/tmp/tmux', paneId: '%1', command: 'node', quietMs: 5_000 }
  local.showPanes({
    panes: [
      { ...pane, name: 'wizards:timmy', state: 'alive' },
      { ...pane, name: 'tim', state: 'alive' },
    ],
    isCut: false,
    blind: [],
  })
  await world.clock.advance(1_000)
  local.kill('timmy')
  await world.clock.advance(2_000)
})

const said = async (operation: string, args: Record<string, string>) => {
  const outcome = world.ask(operation, args)
  await world.clock.advance(0)
  return (await outcome).lines[0]
}

it.each([
  ['resume', { agent: 'tim' }, 'timmy is not paused.'],
  ['panes', { host: 'loc' }, 'host   pane           state  program  quiet  agent'],
  ['health', { subject: 'bez' }, /^bezalel: new/],
  ['incidents', { subject: 'for' }, 'No incident of forge so far.'],
  ['uptime', { subject: 'host loc' }, /^host local, over 30 days|^Nothing was seen of host local/],
  ['unack', { incident: 'tim' }, /^#1 \(timmy\) is not acknowledged/],
  ['audit', { about: 'bez' }, 'Nothing was asked for so far.'],
  ['respawn', { pane: 'wizards:timmy' }, /the pane wizards:timmy is alive$/],
  // A pane that is called so goes before the beginning of an agent's name.
  ['respawn', { pane: 'tim' }, /^tim was not respawned .* the pane tim is alive$/],
  ['respawn', { pane: 'timm' }, /the pane wizards:timmy is alive$/],
])('%s knows %j by its beginning', async (operation, args, sentence) => {
  expect(await said(operation, args)).toMatch(sentence)
})

it.each([
  ['resume', { agent: 'timy' }, 'There is no such agent. Did you mean timmy?'],
  ['panes', { host: 'frge' }, 'There is no such host. Did you mean forge?'],
  ['health', { subject: 'lokal' }, 'There is no such agent or host. Did you mean local?'],
  ['silence', { subject: 'host forg3', duration: '1h', reason: 'x' }, 'There is no such agent or host. Did you mean forge?'],
  ['ack', { incident: '2' }, 'There is no incident #2. Did you mean #1 (timmy)?'],
  ['ack', { incident: '999999' }, 'There is no incident #999999. To see them, type: incidents'],
  ['audit', { about: 'bezzalel' }, 'There is no such agent or host. Did you mean bezalel?'],
  ['respawn', { pane: 'wizard:timmy' }, 'There is no pane called so. Did you mean wizards:timmy?'],
])('%s with %j says what was meant', async (operation, args, sentence) => {
  expect(await said(operation, args)).toBe(sentence)
})

it('a number of a silence that nobody knows is met with the nearest one', async () => {
  await said('silence', { subject: 'timmy', duration: '1h', reason: 'x' })
  expect(await said('unsilence', { number: '2' })).toBe(
    'No silence or maintenance 2 is in force or to come. Did you mean 1 (silence of timmy)?',
  )
})

it('no kind of argument that names somebody was left out', () => {
  const kinds = new Set(operations.flatMap((operation) => operation.arguments.map(({ kind }) => kind)))
  for (const kind of ['number', 'duration', 'text', 'flag', 'choice'] as const) kinds.delete(kind)
  expect([...kinds].sort()).toEqual(['agent', 'agent-or-host', 'host', 'incident', 'pane', 'subject', 'word'])
})
