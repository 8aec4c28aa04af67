/** The operations that only look: fleet, phase. health.test.ts, incidents.test.ts and silence.test.ts have the others. */
import { afterEach, describe, expect, it } from 'vitest'
import { resolve, takeApart } from '../../src/domain/arguments.ts'
import { phaseReport, unmeasured } from '../../src/domain/phase.ts'
import { declarations, operations } from '../../src/operations/registry.ts'
import { table } from '../../src/operations/table.ts'
import { printOperations } from '../../src/protocol/print.ts'
import { agentConfig } from '../support/fleet.ts'
import { openWorld, type World } from './world.ts'

let world: World
afterEach(() => world?.stop())

async function opened(): Promise<void> {
  world = openWorld([agentConfig('timmy'), agentConfig('ezra', { host: 'ezra' })])
  const local = world.host('local')
  const pid = local.start('timmy')
  local.beat('timmy', { pid, epoch: 'a', busy: true, doing: 'issue 12' })
  await world.clock.advance(0)
}

describe('fleet', () => {
  it('shows every agent and host, with ages as they are at this moment', async () => {
    await opened()
    world.host('local').kill('timmy')
    await world.clock.advance(61_000)
    const { lines, data, status } = await world.ask('fleet')
    expect(status).toBe('ok')
    expect(lines[1]).toMatch(/^timmy {2,}down \(its process is gone\) {2,}1 min {2,}1 min 1 s ago {2,}local {2,}issue 12$/)
    expect(lines[2]).toMatch(/^ezra {2,}new {2,}1 min 1 s {2,}never {2,}ezra {2,}-$/)
    expect(lines.at(-1)).toBe('0 of 2 agents up. Tower: none.')
    expect(data).toMatchObject({
      agents: [
        {
          id: 'timmy',
          host: 'local',
          state: 'down',
          cause: 'process-gone',
          forMs: 60_000,
          beatAgeMs: 61_000,
          busy: true,
          doing: 'issue 12',
          incident: 1,
        },
        { id: 'ezra', state: 'new' },
      ],
      hosts: [
        { id: 'local', state: 'up' },
        { id: 'ezra', state: 'up' },
      ],
    })
  })

  it('says who is in maintenance', async () => {
    await opened()
    await world.ask('maintenance', { subject: 'host:ezra', duration: '1h', reason: 'new disk' })
    const { lines, data } = await world.ask('fleet')
    expect(lines.filter((line) => line.includes('(in maintenance)')).map((line) => line.split(' ')[0])).toEqual(['ezra', 'ezra'])
    expect(data).toMatchObject({
      agents: [{ id: 'timmy' }, { id: 'ezra', isInMaintenance: true }],
      hosts: [{ id: 'local' }, { isInMaintenance: true }],
    })
  })

  it('says how the Tower is', async () => {
    await opened()
    const said = async () => (await world.ask('fleet')).lines.at(-1)
    world.tower = {
      state: { kind: 'connected', game: 'The Tower', plugin: '0.1.0', transport: 'websocket' },
      sinceMs: world.clock.now() - 500,
    }
    expect(await said()).toBe('1 of 2 agents up. Tower: connected to The Tower over websocket.')
    expect((await world.ask('fleet')).data).toMatchObject({ tower: { kind: 'connected', forMs: 500 } })
    world.tower = { state: { kind: 'down', reason: 'connection refused', retryInMs: 5 }, sinceMs: 0 }
    expect(await said()).toContain('Tower: not connected: connection refused.')
    world.tower = { state: { kind: 'mismatch', sentence: 'Versions differ' }, sinceMs: 0 }
    expect(await said()).toContain('Tower: Versions differ.')
    world.tower = { state: { kind: 'connecting' }, sinceMs: 0 }
    expect(await said()).toContain('Tower: connecting.')
  })
})

describe('phase', () => {
  it('is worked out from the ledger', async () => {
    await opened()
    await world.clock.advance(1_000)
    const { data, lines } = await world.ask('phase')
    expect(data).toMatchObject({ fleet_operational: true, uptime_30d_percent: 100, days_at_95_percent: 0, phase_2_ready: false })
    expect(lines).toContain('Phase 2 trigger: NOT READY')
  })

  it('of a fleet that was never seen alive has zeros, like one that nobody measured, but is not operational', async () => {
    world = openWorld([agentConfig('timmy')])
    expect((await world.ask('phase')).data).toEqual({ ...phaseReport(unmeasured), fleet_operational: false })
  })
})

describe('the registry', () => {
  it('has operations whose words can be typed, and whose help says how', () => {
    const words = operations.flatMap(({ name, aliases }) => [name, ...aliases])
    expect(new Set(words).size).toBe(words.length)
    for (const { name, aliases, summary, help, examples, deadlineMs } of operations) {
      for (const word of [name, ...aliases]) expect(word).toMatch(/^[a-z][a-z-]{0,31}$/)
      expect(summary).not.toMatch(/\.$/)
      expect(help).toMatch(/\.$/)
      expect(examples.some((example) => example.startsWith(name))).toBe(true)
      expect(deadlineMs).toBeGreaterThan(0)
    }
  })

  it('is printed without its code', () => {
    expect(JSON.parse(printOperations(declarations())).operations.map(({ name }: { name: string }) => name)).toEqual(
      operations.map(({ name }) => name),
    )
    for (const declaration of declarations()) {
      expect(declaration).not.toHaveProperty('run')
      expect(declaration).not.toHaveProperty('oneAtATime')
    }
  })

  it('has arguments that can be told apart: text is the last, names stand alone, examples are understood', () => {
    const one = { name: '' }
    const names = {
      agents: new Map([
        ['ezra', one],
        ['bezalel', one],
      ]),
      hosts: new Map([['ezra', one]]),
    }
    for (const { name, arguments: declared, examples } of operations) {
      const words = declared.filter(({ kind }) => kind !== 'flag')
      const texts = words.flatMap(({ kind }, index) => (kind === 'text' || kind === 'pane' ? [index] : []))
      expect(texts.every((index) => index === words.length - 1)).toBe(true)
      expect(new Set(declared.map((argument) => argument.name)).size).toBe(declared.length)
      for (const example of examples) {
        const taken = takeApart(declared, example.slice(name.length), names)
        expect(taken, example).toHaveProperty('args')
        if (!('args' in taken)) continue
        for (const argument of declared) {
          const words = taken.args[argument.name]
          if (words !== undefined) expect(resolve(argument, words, names), example).toHaveProperty('value')
        }
      }
    }
  })
})

describe('a table', () => {
  it('pads its columns and leaves no trailing blanks', () => {
    expect(table(['a', 'long'], [['wider', 'x'], ['y']])).toEqual(['a      long', 'wider  x', 'y'])
  })

  it('is cut to the width of a screen where that is asked for', () => {
    expect(table(['a', 'long'], [['wider', 'x'.repeat(50)]], 12)).toEqual(['a      long', 'wider  xxxx…'])
  })
})
