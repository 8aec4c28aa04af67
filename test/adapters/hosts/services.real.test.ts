/** Services as the gate asks them with whatever a host has for it, and hosts that have nothing. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createLocalHost } from '../../../src/adapters/hosts/local.ts'
import type { HostHealth, HostLink, ServiceDeclaration } from '../../../src/ports/host.ts'
import { programPath } from '../../support/programs.ts'
import { type StandIns, standIns } from '../../support/stand-ins.ts'

const never = new AbortController().signal
const hostPath = process.env['PATH'] ?? ''

let folder: string
let links: HostLink[] = []
let server: Server
let port: number

beforeAll(async () => {
  server = createServer((request, response) => response.writeHead(request.url === '/?a=b&c=%20' ? 200 : 404).end())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tw-services-'))
})
afterEach(async () => {
  await Promise.all(links.map((link) => link.close()))
  links = []
  rmSync(folder, { recursive: true })
})

async function asked(services: ServiceDeclaration[], path: string, env: Record<string, string> = {}): Promise<HostHealth> {
  const link = createLocalHost('near', { shell: [programPath('dash')], env: { PATH: path, HOME: folder, ...env } }).link()
  links.push(link)
  await link.open({ agents: [], services, sockets: [] }, never)
  return link.probe()
}

/** A folder with these programs and no others. */
function onlyWith(...names: string[]): string {
  const bin = join(folder, 'only')
  mkdirSync(bin)
  for (const name of names) symlinkSync(name.startsWith('/') ? name : programPath(name), join(bin, name.split('/').at(-1) ?? name))
  return bin
}
const least = ['cat', 'date', 'df', 'id', 'ls', 'nproc', 'rm', 'sleep', 'stat', 'tail', 'tr', 'timeout', 'true']

const web = (): ServiceDeclaration[] => [
  { id: 'well', kind: 'http', url: `http://127.0.0.1:${port}/?a=b&c=%20` },
  { id: 'lost', kind: 'http', url: `http://127.0.0.1:${port}/nothing` },
  { id: 'away', kind: 'http', url: 'http://127.0.0.1:1/' },
]
const ports = (): ServiceDeclaration[] => [
  { id: 'open', kind: 'tcp', address: '127.0.0.1', port },
  { id: 'closed', kind: 'tcp', address: 'localhost', port: 1 },
]
const states = ({ services }: HostHealth) => services.map(({ id, state }) => [id, state])

describe('a host asks', () => {
  it.each(['curl', 'wget', 'perl', '/usr/bin/python3'])('by HTTP with nothing but %s', async (tool) => {
    const health = await asked(web(), onlyWith(...least, 'mkfifo', tool))
    expect(states(health)).toEqual([
      ['well', 'up'],
      ['lost', 'down'],
      ['away', 'down'],
    ])
    expect(health.services[1]?.detail).toBe('it answers 404, not 200 to 399')
    // wget without a terminal says nothing of why.
    expect(health.services[2]?.detail).toMatch(tool === 'wget' ? /./ : /refused|connect/i)
  })

  it.each(['bash', 'perl', '/usr/bin/python3'])('by TCP with nothing but %s', async (tool) => {
    const health = await asked(ports(), onlyWith(...least, 'mkfifo', tool))
    expect(states(health)).toEqual([
      ['open', 'up'],
      ['closed', 'down'],
    ])
    expect(health.services[1]?.detail).toMatch(/refused/i)
  })

  it('nothing, where it has nothing to ask with, and says so; its disks are told all the same', async () => {
    const services: ServiceDeclaration[] = [
      ...web().slice(0, 1),
      ...ports().slice(0, 1),
      { id: 'unit', kind: 'unit', unit: 'gitea.service', scope: 'system' },
      { id: 'process', kind: 'process', name: 'sleep' },
    ]
    // Neither a pipe can be made: then the checks hold up the answer.
    const health = await asked(services, onlyWith(...least))
    expect(health.services).toEqual([
      { id: 'well', state: 'unknown', detail: 'this host has none of curl, wget, perl and python3 to ask with' },
      { id: 'open', state: 'unknown', detail: 'this host has none of bash, perl, python3 and nc to ask with' },
      { id: 'unit', state: 'unknown', detail: 'this host has no systemctl' },
      { id: 'process', state: 'unknown', detail: 'the processes could not be looked through: is there an awk?' },
    ])
    expect(health.disks).toContainEqual(expect.objectContaining({ kind: 'sized', mount: '/' }))
    expect(health).toMatchObject({ byMemory: [], byCpu: [] })
  })

  it('past a proxy of the account', async () => {
    const proxies = { http_proxy: 'http://127.0.0.1:1', ALL_PROXY: 'http://127.0.0.1:1' }
    expect(states(await asked(web().slice(0, 1), hostPath, proxies))).toEqual([['well', 'up']])
  })
})

interface Manager {
  path: string
  /** Running, stopped and unheard of. */
  units: [string, string, string]
  means?: StandIns
}

function standIn(): Manager {
  const means = standIns(join(folder, 'systemd'), ['systemd'])
  means.unit('gitea.service', 'running')
  means.unit('rescue.service', 'stopped')
  return { path: `${means.bin}:${hostPath}`, units: ['gitea.service', 'rescue.service', 'nonesuch.service'], means }
}
const real = (): Manager => ({ path: hostPath, units: ['systemd-journald.service', 'rescue.service', 'nonesuch.service'] })

/** The real one where the machine has one. */
const managers: [string, () => Manager][] = [
  ['a stand-in for systemd', standIn],
  ...(existsSync('/run/systemd/system') ? [['systemd', real] as [string, () => Manager]] : []),
]

describe.each(managers)('with %s', (_what, manager) => {
  it('a unit that runs is up, one that does not is down, and so is one that nobody has heard of', async () => {
    const { path, units } = manager()
    const services = units.map((unit, index): ServiceDeclaration => ({ id: `unit-${index}`, kind: 'unit', unit, scope: 'system' }))
    expect((await asked(services, path)).services).toEqual([
      { id: 'unit-0', state: 'up', detail: 'active (running)' },
      { id: 'unit-1', state: 'down', detail: 'inactive (dead)' },
      { id: 'unit-2', state: 'down', detail: 'there is no such unit' },
    ])
  })
})

describe('with stand-ins', () => {
  it('a unit of the account is asked of its own manager, and one that failed is down', async () => {
    const { path, means } = standIn()
    means?.unit('hermes.service', 'failed')
    const services: ServiceDeclaration[] = [
      { id: 'own', kind: 'unit', unit: 'gitea.service', scope: 'user' },
      { id: 'failed', kind: 'unit', unit: 'hermes.service', scope: 'user' },
    ]
    expect((await asked(services, path)).services).toEqual([
      { id: 'own', state: 'up', detail: 'active (running)' },
      { id: 'failed', state: 'down', detail: 'failed (failed)' },
    ])
    expect(means?.orders()).toEqual([])
  })

  it('a job of launchd is up while it runs', async () => {
    const means = standIns(join(folder, 'launchd'), ['launchd'])
    means.unit('org.example.mail', 'running')
    means.unit('org.example.once', 'stopped')
    const job = (id: string, label: string): ServiceDeclaration => ({ id, kind: 'launchd', label, scope: 'user' })
    const services = [job('mail', 'org.example.mail'), job('once', 'org.example.once'), job('none', 'org.example.none')]
    expect((await asked(services, `${means.bin}:${hostPath}`)).services).toEqual([
      { id: 'mail', state: 'up', detail: 'running' },
      { id: 'once', state: 'down', detail: 'loaded, and not running' },
      { id: 'none', state: 'down', detail: 'there is no such job' },
    ])
  })

  it('a manager that does not answer holds nobody up', async () => {
    mkdirSync(join(folder, 'bin'))
    writeFileSync(join(folder, 'bin', 'systemctl'), '#!/bin/sh\nexec sleep 30\n', { mode: 0o755 })
    const services: ServiceDeclaration[] = [{ id: 'unit', kind: 'unit', unit: 'gitea.service', scope: 'system' }, ...ports().slice(0, 1)]
    expect((await asked(services, `${join(folder, 'bin')}:${hostPath}`)).services).toEqual([
      { id: 'unit', state: 'unknown', detail: 'systemctl did not answer in 3 s' },
      { id: 'open', state: 'up', detail: 'it takes connections' },
    ])
  })
})
