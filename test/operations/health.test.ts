import { afterEach, describe, expect, it } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { usualThresholds } from '../../src/domain/health.ts'
import type { HostHealth } from '../../src/ports/host.ts'
import { agentConfig } from '../support/fleet.ts'
import { diskOf, healthOf } from '../support/health.ts'
import { openWorld, type World } from './world.ts'

let world: World
afterEach(() => world?.stop())

const hosts: Config['hosts'] = new Map(
  ['local', 'ezra'].map((id) => [id, { kind: 'local', id, name: id, services: [], thresholds: usualThresholds, sockets: [] }]),
)

async function opened(says: Partial<HostHealth> = {}): Promise<void> {
  world = openWorld([agentConfig('timmy'), agentConfig('ezra', { host: 'ezra' })], { config: { hosts } })
  world.host('ezra').says(healthOf())
  const local = world.host('local')
  local.says(healthOf(says))
  const pid = local.start('timmy')
  local.beat('timmy', { pid, epoch: 'a' })
  await world.clock.advance(0)
}

const ill: Partial<HostHealth> = {
  disks: [diskOf('/', 96, 20), diskOf('/var/lib/something/long', 90), { kind: 'no-answer', mount: '/mnt/nas' }],
  services: [
    { id: 'gitea', state: 'down', detail: 'Connection refused' },
    { id: 'ollama', state: 'up', detail: 'it answers 200' },
  ],
  byMemory: [{ pid: 812, name: 'ollama', bytes: 3 * 2 ** 30 }],
  byCpu: [{ pid: 812, name: 'ollama', percent: 187.3 }],
  reboot: 'wanted',
  clockOffsetMs: 1_500,
}

describe('health', () => {
  it('of everybody is a table of hosts, with how old that is', async () => {
    await opened()
    await world.clock.advance(40_000)
    const { lines, data, status } = await world.ask('health')
    expect(status).toBe('ok')
    expect(lines).toEqual([
      'No host is known to be unwell.',
      'host   state  disk    memory  load/core  services  as of',
      'local  up     30 % /  25 %    0.20       -         40 s ago',
      'ezra   up     30 % /  25 %    0.20       -         40 s ago',
    ])
    expect(data).toMatchObject({
      hosts: [{ id: 'local', state: 'up', probedAgoMs: 40_000, concerns: [], health: { cores: 2 } }, { id: 'ezra' }],
    })
  })

  it('of everybody says first what is not well, the critical before the rest', async () => {
    await opened(ill)
    await world.clock.advance(65_000)
    const { lines, data } = await world.ask('health')
    expect(lines.slice(0, 6)).toEqual([
      '1 of 2 hosts is not well.',
      'local: critical: disk / is 96 % full (4.0 GiB of 100 GiB left), for 1 min 5 s.',
      'local: critical: gitea is down (Connection refused), for 5 s.',
      'local: critical: disk /mnt/nas does not answer, for 5 s.',
      'local: warning: disk /var/lib/something/long is 90 % full (10.0 GiB of 100 GiB left), for 1 min 5 s.',
      'local: warning: it wants a reboot, for 1 min 5 s.',
    ])
    expect(lines[7]).toMatch(/^local {2}up {5}hangs \/mnt\/nas {2}25 % {4}0\.20 {7}1\/2 up {4}5 s ago$/)
    expect(data).toMatchObject({
      hosts: [{ concerns: [{ check: 'disk:/', level: 'critical', forMs: 65_000 }, {}, {}, {}, {}] }, { concerns: [] }],
    })
  })

  it('of a host is everything about it', async () => {
    await opened(ill)
    await world.clock.advance(65_000)
    const { lines } = await world.ask('health', { subject: 'local' })
    expect(lines).toEqual([
      'host local: up for 1 min 5 s.',
      'As of 5 s ago:',
      'Critical for 1 min 5 s: disk / is 96 % full (4.0 GiB of 100 GiB left).',
      'Critical for 5 s: gitea is down (Connection refused).',
      'Critical for 5 s: disk /mnt/nas does not answer.',
      'Warning for 1 min 5 s: disk /var/lib/something/long is 90 % full (10.0 GiB of 100 GiB left).',
      'Warning for 1 min 5 s: it wants a reboot.',
      'On for 3 d. Load 0.50, 0.40, 0.30 (over 1, 5, 15 min) on 2 cores.',
      'Memory: 25 % used, 6.0 GiB of 8.0 GiB left.',
      'No swap.',
      'Its clock is 2 s ahead. It wants a reboot.',
      '',
      'disk                     used             left      of       inodes  full in',
      '/                        96 %             4.0 GiB   100 GiB  20 %    not known',
      '/var/lib/something/long  90 %             10.0 GiB  100 GiB  10 %    not known',
      '/mnt/nas                 does not answer',
      '',
      'service  state  what was seen',
      'gitea    down   Connection refused',
      'ollama   up     it answers 200',
      '',
      'most memory  pid  uses',
      'ollama       812  3.0 GiB',
      '',
      'most CPU  pid  of one core',
      'ollama    812  187.3 %',
    ])
  })

  it('fits a screen, whatever hosts call their things', async () => {
    const long = 'x'.repeat(60)
    const inodes = { total: 2 ** 40, free: 1 }
    await opened({
      disks: [{ kind: 'sized', mount: `/${long}`, totalBytes: 999 * 2 ** 40, availableBytes: 1_022 * 2 ** 30, inodes }],
      services: [{ id: long, state: 'unknown', detail: long }],
      byMemory: [{ pid: 4_194_304, name: long, bytes: 1_000 * 2 ** 30 }],
      byCpu: [{ pid: 4_194_304, name: long, percent: 12_799.9 }],
    })
    await world.clock.advance(1_000)
    const { lines } = await world.ask('health', { subject: 'local' })
    const all = (await world.ask('health')).lines
    for (const table of [lines.slice(lines.indexOf('')), all.slice(all.findIndex((line) => line.startsWith('host ')))])
      for (const line of table) expect(line.length).toBeLessThanOrEqual(80)
  })

  it('of an agent is its own and that of its host', async () => {
    await opened()
    await world.clock.advance(1_000)
    const { lines, data } = await world.ask('health', { subject: 'timmy' })
    expect(lines.slice(0, 4)).toEqual([
      'timmy: up for 1 s, last beat 1 s ago.',
      'host local: up for 1 s.',
      'As of 1 s ago:',
      'Nothing is known to be wrong with it.',
    ])
    expect(data).toMatchObject({ agent: { id: 'timmy', state: 'up', beatAgeMs: 1_000 }, hosts: [{ id: 'local' }] })
  })

  it('of an agent tells what is wrong with its heartbeat, and what to do about it', async () => {
    await opened()
    world.host('local').beat('timmy', new TextEncoder().encode('{"at'))
    await world.clock.advance(1_000)
    const { lines, data } = await world.ask('health', { subject: 'timmy' })
    expect(lines[1]).toMatch(/^Heartbeat: \/beats\/timmy is not whole JSON: write it to another file .* half of it\.$/)
    expect(data).toMatchObject({ agent: { fault: expect.stringContaining('is not whole JSON') } })
  })

  it('of a name that an agent shares with its host tells both', async () => {
    await opened()
    const { lines } = await world.ask('health', { subject: 'ezra' })
    expect(lines[0]).toBe('ezra: new for under 1 s, no beat was ever seen.')
    expect(lines[1]).toBe('Heartbeat: /beats/ezra is not there: start the agent, or put right the path in fleet.yaml.')
    expect(lines[2]).toBe('host ezra: up for under 1 s.')
  })

  it('says so where a host was never asked, and what is wrong with one that is lost', async () => {
    world = openWorld([agentConfig('timmy')])
    world.host('local').refuse('host-key')
    expect((await world.ask('health')).lines.at(-1)).toMatch(/^local +new +- +- +- +- +never$/)
    await world.clock.advance(60_000)
    expect((await world.ask('health', { subject: 'local' })).lines).toEqual([
      'host local: unreachable (its host key is not the pinned one, so nothing was run there) for 1 min.',
      'It has not said yet how it is.',
    ])
    expect((await world.ask('health')).lines.slice(0, 2)).toEqual([
      '1 of 1 hosts is not well.',
      'local: unreachable (its host key is not the pinned one, so nothing was run there).',
    ])
  })

  it('of a host that is lost is what it said last, and neither news nor a concern of now', async () => {
    await opened(ill)
    const before = world.told.length
    world.host('local').refuse('unreachable')
    world.host('local').cut()
    await world.clock.advance(120_000)
    expect(world.told).toHaveLength(before)
    const { lines } = await world.ask('health', { subject: 'local' })
    expect(lines[0]).toMatch(/^host local: unreachable/)
    expect(lines[1]).toBe('As of 2 min ago, when it last said so:')
    expect((await world.ask('health')).lines.filter((line) => line.startsWith('local: '))).toEqual([expect.stringContaining('unreachable')])
  })
})

describe('health --now', () => {
  it('asks first, and judges what it hears', async () => {
    await opened()
    await world.clock.advance(20_000)
    world.host('local').says({ disks: [diskOf('/', 99)] })
    expect((await world.ask('health')).lines[0]).toBe('No host is known to be unwell.')
    const { lines, progress, status, data } = await world.ask('health', { now: 'yes' })
    expect(status).toBe('ok')
    expect(progress).toEqual(['asking 2 hosts'])
    expect(lines[0]).toBe('1 of 2 hosts is not well.')
    expect(lines.at(-2)).toMatch(/^local +up +99 % .* 0 s ago$/)
    expect(world.told).toEqual([expect.stringMatching(/^host local is not well\. Critical: disk \/ is 99 % full/)])
    expect(data).toMatchObject({ unanswered: [] })
  })

  it('names the hosts that did not answer, and shows what they said last', async () => {
    await opened()
    world.host('ezra').refuse('unreachable')
    world.host('ezra').cut()
    await world.clock.advance(30_000)
    const { lines, status, data } = await world.ask('health', { now: 'yes' })
    expect(status).toBe('ok')
    expect(lines[0]).toBe("host ezra did not answer: host ezra can't be reached.")
    expect(lines.at(-1)).toMatch(/^ezra .* 30 s ago$/)
    expect(data).toMatchObject({ unanswered: [{ host: 'ezra', why: expect.any(String) }] })
    expect((await world.ask('health', { subject: 'ezra', now: 'yes' })).status).toBe('failed')
  })

  it('does not wait for ever', async () => {
    await opened()
    world.host('local').hang()
    const asked = world.ask('health', { subject: 'local', now: 'yes' })
    await world.clock.advance(10_000)
    const { lines, status } = await asked
    expect(status).toBe('failed')
    expect(lines[0]).toBe('host local did not answer: nothing came back within 10 s.')
    expect(lines).toContain('Nothing is known to be wrong with it.')
    world.host('local').answerAgain()
  })
})
