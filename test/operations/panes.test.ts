import { afterEach, expect, it } from 'vitest'
import { HostError, type PaneSighting } from '../../src/ports/host.ts'
import { agentConfig } from '../support/fleet.ts'
import { openWorld, type World } from './world.ts'

let world: World
afterEach(() => world.stop())

const socket = '/tmp/tmux-1000/default'
const timmy = agentConfig('timmy', { name: 'Tiny Tim', body: { kind: 'pane', socket, target: 'wizards:timmy' } })
const ezra = agentConfig('ezra', { host: 'far' })
const pane = (name: string, more: Partial<PaneSighting> = {}): PaneSighting => ({
  socket,
  name,
  paneId: '%1',
  state: 'alive',
  command: 'node',
  quietMs: 5_000,
  ...more,
})

async function opened(local: PaneSighting[], far: PaneSighting[] = []): Promise<void> {
  world = openWorld([timmy, ezra])
  world.host('local').showPanes({ panes: local, isCut: false, blind: [] })
  world.host('far').showPanes({ panes: far, isCut: false, blind: [] })
  await world.clock.advance(0)
}
const asked = async (operation: string, args: Record<string, unknown> = {}) => {
  const outcome = world.ask(operation, args)
  await world.clock.advance(0)
  return outcome
}

it('shows every pane, the dead ones first, with who lives there, within eighty columns', async () => {
  const long = 'wizards:a window with a name that is far longer than anybody needs'
  await opened(
    [
      pane('wizards:timmy'),
      pane('wizards:logs', { state: 'dead', ended: { status: 3 } }),
      pane(long, { state: 'dead', ended: { signal: '9' } }),
    ],
    [pane('main:top', { state: 'dead', command: 'a-very-long-program', quietMs: 86_400_000 })],
  )
  const { status, lines } = await asked('panes')
  expect(status).toBe('ok')
  expect(lines).toEqual([
    'host   pane           state     program              quiet  agent',
    'local  wizards:logs   dead (3)  node                 5 s',
    // The whole name: it is what respawn wants.
    'local  wizards:a window with a name that is far longer than anybody needs',
    '  dead (signal 9)',
    '  program node, quiet for 5 s',
    'far    main:top       dead      a-very-long-program  1 d',
    'local  wizards:timmy  alive     node                 5 s    timmy',
  ])
  expect(lines.every((line) => line.length <= 80)).toBe(true)
  expect((await asked('panes', { host: 'far' })).lines).toHaveLength(2)
})

it('says of which host or server nothing can be told, and fails where that is all of them', async () => {
  await opened([pane('wizards:timmy')])
  world.host('local').showPanes({ panes: [pane('wizards:timmy')], isCut: true, blind: ['/tmp/hung'] })
  world.host('far').refuse('unreachable')
  world.host('far').cut()
  await world.clock.advance(20_000)
  const { status, lines } = await asked('panes')
  expect(status).toBe('ok')
  expect(lines.slice(2)).toEqual([
    'There are more panes than are shown.',
    'On local tmux does not answer on /tmp/hung.',
    "The panes of far could not be looked at: it can't be reached.",
  ])
  expect((await asked('panes', { host: 'far' })).status).toBe('failed')
})

it('shows names that hold anything as one plain line, and takes them as they are shown', async () => {
  const evil = 'wizards:\u001b[31mred\u001b[0m  and \u202eturned'
  await opened([pane(evil, { state: 'dead' })])
  expect((await asked('panes')).lines[1]).toContain('wizards:red and turned')
  expect((await asked('respawn', { pane: 'wizards:red and turned' })).status).toBe('ok')
  expect(world.host('local').acts).toEqual([{ agent: evil, mode: 'respawn' }])
})

it('respawns the pane of an agent by its id or name, and is done only with a beat of its new life', async () => {
  await opened([pane('wizards:timmy', { state: 'dead' })])
  world.host('local').start('timmy')
  world.host('local').beat('timmy')
  await world.clock.advance(1_000)
  world.host('local').kill('timmy')
  const outcome = world.ask('respawn', { pane: 'tiny tim' })
  await world.clock.advance(5_000)
  expect(await outcome).toMatchObject({ status: 'ok', lines: ['timmy is back: a beat of its new life came.'] })
  expect((await outcome).progress.map((line) => line.split(':')[0])).toEqual(['start', 'start', 'verify'])
})

it('fails at the step "verify" where no beat of a new life comes', async () => {
  await opened([pane('wizards:timmy', { state: 'dead' })])
  world.host('local').onStart('timmy', () => {})
  const outcome = world.ask('respawn', { pane: 'timmy' })
  await world.clock.advance(31_000)
  expect(await outcome).toMatchObject({ status: 'failed', lines: [expect.stringContaining('failed at the step "verify"')] })
})

it('refuses a pane that is alive, one that nobody knows, and an agent that lives in none', async () => {
  await opened([pane('wizards:timmy')])
  expect((await asked('respawn', { pane: 'wizards:timmy' })).lines[0]).toBe(
    'wizards:timmy was not respawned at the step "check": the pane wizards:timmy is alive',
  )
  expect(await asked('respawn', { pane: 'nobody' })).toMatchObject({
    status: 'refused',
    lines: ['There is no pane called so. To see them, type: panes'],
  })
  expect((await asked('respawn', { pane: 'ezra' })).lines).toEqual(['ezra does not live in a pane. To bring it back, type: restart ezra'])
})

it('asks for the host, or the socket, where several panes are called so', async () => {
  const dead = { state: 'dead' } as const
  await opened([pane('main:logs', dead), pane('main:logs', { ...dead, socket: '/tmp/other' })], [pane('main:logs', dead)])
  expect((await asked('respawn', { pane: 'main:logs' })).lines).toEqual([
    'Several panes are called so: local:main:logs, local:main:logs, far:main:logs. Type more of it.',
  ])
  expect((await asked('respawn', { pane: 'local:main:logs' })).lines).toEqual([
    `Several panes are called so: ${socket}:main:logs, /tmp/other:main:logs. Type more of it.`,
  ])
  expect((await asked('respawn', { pane: '/tmp/other:main:logs' })).status).toBe('ok')
  expect((await asked('respawn', { pane: 'far:main:logs' })).status).toBe('ok')
})

it('tells in a dry run what would be done, and does nothing', async () => {
  await opened([pane('wizards:timmy', { state: 'dead' })])
  const { status, lines } = await asked('respawn', { pane: 'timmy', dryRun: 'yes' })
  expect({ status, lines }).toEqual({ status: 'ok', lines: ['it would be run again', 'This was a dry run: nothing was changed.'] })
  expect((await asked('panes')).lines[1]).toContain('dead')
})

it('is in the audit before it happens', async () => {
  await opened([pane('wizards:timmy', { state: 'dead' })])
  world.host('local').failNextAct(new HostError('failed', 'no'))
  await asked('respawn', { pane: 'wizards:nobody' })
  expect(world.ledger.operations({ operation: 'respawn', sinceMs: 0, limit: 10 })).toMatchObject([
    { status: 'refused', arguments: { pane: 'wizards:nobody' } },
  ])
})
