import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createSshHost, type SshHostOptions } from '../../../src/adapters/hosts/ssh.ts'
import type { AgentDeclaration, HostLink } from '../../../src/ports/host.ts'
import { failure, hostContract } from '../../contracts/host.ts'
import { orders } from '../../support/orders.ts'
import { isAlive } from '../../support/processes.ts'
import { programPath } from '../../support/programs.ts'
import { freePort, makeKey, pin, type Sshd, type SshdOptions, startSshd } from '../../support/sshd.ts'
import { until } from '../../support/until.ts'

const run = promisify(execFile)

async function fixtureOver(settings: { forceCommand?: string }) {
  const folder = await mkdtemp(join(tmpdir(), 'tw-'))
  const programs = join(folder, 'bin')
  await mkdir(programs)
  const env = { PATH: `${programs}:${process.env['PATH']}`, HOME: folder }
  const sshd = await startSshd({ folder: join(folder, 'sshd'), env, ...settings })
  return {
    folder,
    programs,
    host: (options = {}) => createSshHost('far', { ...options, ...optionsOf(sshd) }),
    stop: async () => {
      await sshd.stop()
      await rm(folder, { recursive: true })
    },
  }
}

function optionsOf({ address, port, user, identity, knownHosts }: Sshd): SshHostOptions {
  return { address, port, user, identity, knownHosts, config: '/dev/null', connectTimeoutMs: 5_000 }
}

// The gate and its tools are those of a local child under dash: what is bounded there is bounded here.
hostContract('ssh', () => fixtureOver({}), { hanging: [], means: 'those it has' })

const order = orders()

describe('ssh', () => {
  let folder: string
  let sshd: Sshd
  let links: HostLink[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tw-'))
    sshd = await startSshd({ folder: join(folder, 'sshd') })
  })
  afterEach(async () => {
    await Promise.all(links.map((link) => link.close()))
    links = []
  })
  afterAll(async () => {
    await sshd.stop()
    await rm(folder, { recursive: true })
  })

  function linkTo(options: SshHostOptions): HostLink {
    const link = createSshHost('far', options).link()
    links.push(link)
    return link
  }

  const never = new AbortController().signal
  const open = (options: SshHostOptions) => failure(linkTo(options).open({ agents: [], services: [], sockets: [] }, never))

  it('refuses a host whose key has changed, and runs nothing there', async () => {
    const knownHosts = join(folder, 'changed')
    const other = join(folder, 'other_key')
    await makeKey(other)
    await writeFile(knownHosts, '')
    await pin(knownHosts, sshd.address, sshd.port, `${other}.pub`)
    const accepted = sshd.log().split('Accepted').length
    expect(await open({ ...optionsOf(sshd), knownHosts })).toMatchObject({ kind: 'host-key' })
    expect(sshd.log().split('Accepted').length).toBe(accepted)
  })

  it('refuses a host whose key is not known, and does not learn it', async () => {
    const knownHosts = join(folder, 'unknown')
    await writeFile(knownHosts, '')
    expect(await open({ ...optionsOf(sshd), knownHosts })).toMatchObject({ kind: 'host-key' })
    expect(await readFile(knownHosts, 'utf8')).toBe('')
  })

  it('tells a refused key from the rest', async () => {
    const identity = join(folder, 'wrong_key')
    await makeKey(identity)
    expect(await open({ ...optionsOf(sshd), identity })).toMatchObject({ kind: 'auth' })
  })

  it('says unreachable where nobody listens', async () => {
    const error = await open({ ...optionsOf(sshd), port: await freePort() })
    expect(error).toMatchObject({ kind: 'unreachable' })
    expect(error?.message).toContain('Connection refused')
  })

  it('says unreachable where there is no ssh client', async () => {
    expect(await open({ ...optionsOf(sshd), client: join(folder, 'no-ssh') })).toMatchObject({ kind: 'unreachable' })
  })

  it('takes names of files with blanks and percent signs', async () => {
    const odd = join(folder, 'a b %h')
    await mkdir(odd)
    await writeFile(join(odd, 'known'), await readFile(sshd.knownHosts))
    await writeFile(join(odd, 'key'), await readFile(sshd.identity), { mode: 0o600 })
    expect(await open({ ...optionsOf(sshd), knownHosts: join(odd, 'known'), identity: join(odd, 'key') })).toBeUndefined()
  })

  it('reports the connection lost when the session is killed on the host', async () => {
    const link = linkTo(optionsOf(sshd))
    await link.open({ agents: [], services: [], sockets: [] }, never)
    await link.probe()
    sshd.killSessions()
    expect((await link.lost).kind).toBe('unreachable')
    expect(await failure(link.probe())).toMatchObject({ kind: 'unreachable' })
    const again = linkTo(optionsOf(sshd))
    await again.open({ agents: [], services: [], sockets: [] }, never)
    expect((await again.probe()).cores).toBeGreaterThan(0)
  })

  it('brings an act to its end on the host although its session was killed', async () => {
    const pidFile = join(folder, 'pid')
    const ready = join(folder, 'ready')
    const worker = join(folder, 'worker')
    await writeFile(worker, `#!/bin/sh\ntrap '' TERM\n: > ${ready}\nwhile :; do sleep 0.2; done\n`, { mode: 0o755 })
    const body = { kind: 'process' as const, start: [worker], pidFile, log: join(folder, 'log') }
    const declared: AgentDeclaration = {
      id: 'ezra',
      heartbeatFiles: [join(folder, 'beat')],
      markers: [],
      configs: [],
      stopGraceMs: 1_000,
      body,
    }
    const link = linkTo(optionsOf(sshd))
    await link.open({ agents: [declared], services: [], sockets: [] }, never)
    await link.restart('ezra', 'stop-first', order(), () => {})
    const before = Number(await readFile(pidFile, 'utf8'))
    await until(() => readFile(ready), { withinMs: 20_000, what: 'the worker ignores SIGTERM' })
    const stopping = Promise.withResolvers<void>()
    const act = failure(link.restart('ezra', 'stop-first', order(), ({ step }) => step === 'stop' && stopping.resolve()))
    await stopping.promise
    sshd.killSessions()
    expect((await act)?.kind).toBe('unreachable')
    const after = await until(
      async () => {
        const pid = Number(await readFile(pidFile, 'utf8'))
        return pid !== before && pid
      },
      { withinMs: 30_000, what: 'the agent is started again' },
    )
    expect([isAlive(before), isAlive(after)]).toEqual([false, true])
    process.kill(after, 'SIGKILL')
  })

  it('cannot be given a host that is an option, and runs nothing for it', async () => {
    const ran = join(folder, 'ran')
    for (const wrong of [
      { address: `-oProxyCommand=touch ${ran}` },
      { address: '-oProxyCommand=x' },
      { address: 'host;id' },
      { address: '' },
      { user: '-oProxyCommand=x' },
      { user: 'root $(id)' },
      { port: 0 },
      { port: 1.5 },
      { identity: 'relative' },
      { knownHosts: '/a" "/b' },
      { knownHosts: '/tmp/$HOME' },
      { identity: '/tmp/a\nProxyCommand x' },
    ]) {
      expect(() => createSshHost('far', { ...optionsOf(sshd), ...wrong })).toThrow(expect.objectContaining({ kind: 'refused' }))
    }
    expect(await failure(readFile(ran))).toMatchObject({ code: 'ENOENT' })
  })
})

describe('what the user has set up for ssh', () => {
  let folder: string
  let sshds: Sshd[] = []
  const ends: (() => Promise<unknown>)[] = []
  const keygen = (...words: string[]) => run(programPath('ssh-keygen'), ['-q', ...words])

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tw-'))
  })
  afterEach(async () => {
    await Promise.all(ends.map((end) => end()))
    ends.length = 0
    await Promise.all(sshds.map((sshd) => sshd.stop()))
    sshds = []
  })
  afterAll(() => rm(folder, { recursive: true }))

  async function sshdAt(name: string, options: Partial<SshdOptions> = {}): Promise<Sshd> {
    const sshd = await startSshd({ folder: join(folder, name), ...options })
    sshds.push(sshd)
    return sshd
  }

  /** As somebody who says nothing in fleet.yaml but the alias of his ~/.ssh/config. */
  async function probeBy(config: string): Promise<number> {
    const file = join(folder, 'config')
    await writeFile(file, config)
    const link = createSshHost('far', { address: 'far', config: file, connectTimeoutMs: 5_000 }).link()
    try {
      await link.open({ agents: [], services: [], sockets: [] }, new AbortController().signal)
      return (await link.probe()).cores
    } finally {
      await link.close()
    }
  }

  const hostBlock = (alias: string, sshd: Sshd, ...more: string[]) =>
    [`Host ${alias}`, `HostName ${sshd.address}`, `Port ${sshd.port}`, `User ${sshd.user}`, ...more].join('\n  ').concat('\n')

  it('goes through a jump host, which has to be known as well', async () => {
    const jump = await sshdAt('jump', { address: '127.0.1.1' })
    const far = await sshdAt('behind', { address: '127.0.1.2' })
    const both = join(folder, 'both')
    await writeFile(both, Buffer.concat([await readFile(jump.knownHosts), await readFile(far.knownHosts)]))
    const blocks = (knownHosts: string) =>
      hostBlock('jump', jump, `IdentityFile ${jump.identity}`, `UserKnownHostsFile ${knownHosts}`) +
      hostBlock('far', far, 'ProxyJump jump', `IdentityFile ${far.identity}`, `UserKnownHostsFile ${far.knownHosts}`)
    expect(await probeBy(blocks(both))).toBeGreaterThan(0)
    expect(jump.log()).toContain('Accepted publickey')
    // All that the far one hears comes from the jump host.
    expect(far.log()).toContain('Accepted publickey')
    const accepted = far.log().length
    expect(await failure(probeBy(blocks(far.knownHosts)))).toMatchObject({ kind: 'host-key' })
    expect(far.log().slice(accepted)).not.toContain('Accepted')
  })

  it('shows a certificate, and trusts the authority that certified a host', async () => {
    const authority = join(folder, 'authority')
    await makeKey(authority)
    const far = await sshdAt('certified', { settings: [`TrustedUserCAKeys ${authority}.pub`, 'AuthorizedKeysFile none'] })
    const identity = join(folder, 'certified_key')
    await makeKey(identity)
    await keygen('-s', authority, '-I', 'watch', '-n', far.user, '-V', '+1h', `${identity}.pub`)
    expect(await probeBy(hostBlock('far', far, `IdentityFile ${identity}`, `UserKnownHostsFile ${far.knownHosts}`))).toBeGreaterThan(0)
    expect(far.log()).toContain('ED25519-CERT')
    await far.stop()

    await keygen('-s', authority, '-I', 'host', '-h', '-n', far.address, '-V', '+1h', join(folder, 'certified', 'host_key.pub'))
    const again = await sshdAt('certified', { settings: [`HostCertificate ${join(folder, 'certified', 'host_key-cert.pub')}`] })
    const trusted = join(folder, 'trusted')
    const [type, key] = (await readFile(`${authority}.pub`, 'utf8')).split(' ')
    await writeFile(trusted, `@cert-authority [${again.address}]:* ${type} ${key}\n`)
    expect(await probeBy(hostBlock('far', again, `IdentityFile ${again.identity}`, `UserKnownHostsFile ${trusted}`))).toBeGreaterThan(0)
    await writeFile(trusted, `@revoked * ${type} ${key}\n`)
    const refused = probeBy(hostBlock('far', again, `IdentityFile ${again.identity}`, `UserKnownHostsFile ${trusted}`))
    expect(await failure(refused)).toMatchObject({ kind: 'host-key' })
  })

  it('asks an agent for the key', async () => {
    const far = await sshdAt('agent')
    const socket = join(folder, 'agent.sock')
    const agent = spawn(programPath('ssh-agent'), ['-D', '-a', socket], { stdio: 'ignore' })
    ends.push(async () => {
      const gone = once(agent, 'exit')
      agent.kill('SIGTERM')
      await gone
    })
    await until(() => run(programPath('ssh-add'), ['-q', far.identity], { env: { SSH_AUTH_SOCK: socket } }).then(() => true), {
      withinMs: 20_000,
      what: 'the agent to take the key',
    })
    const block = (...more: string[]) => hostBlock('far', far, `UserKnownHostsFile ${far.knownHosts}`, 'IdentityFile none', ...more)
    expect(await probeBy(block(`IdentityAgent ${socket}`))).toBeGreaterThan(0)
    expect(await failure(probeBy(block('IdentityAgent none')))).toMatchObject({ kind: 'auth' })
  })

  it('finds a host in a known_hosts whose names are hashed', async () => {
    const far = await sshdAt('hashed')
    const hashed = join(folder, 'hashed_names')
    await writeFile(hashed, await readFile(far.knownHosts))
    await keygen('-H', '-f', hashed)
    expect(await readFile(hashed, 'utf8')).toMatch(/^\|1\|/)
    expect(await probeBy(hostBlock('far', far, `IdentityFile ${far.identity}`, `UserKnownHostsFile ${hashed}`))).toBeGreaterThan(0)
  })
})

describe('a login shell that talks', () => {
  it('is not mistaken for the gate', async () => {
    const fixture = await fixtureOver({
      forceCommand: `echo "Welcome 0 hello 17"; echo noise >&2; printf 'no end of line '; exec sh -c "$SSH_ORIGINAL_COMMAND"`,
    })
    const link = fixture.host().link()
    await link.open({ agents: [], services: [], sockets: [] }, new AbortController().signal)
    expect((await link.probe()).cores).toBeGreaterThan(0)
    await link.close()
    await fixture.stop()
  })

  it.each<[string, string, string]>([
    ['that talks without end', 'yes noise', 'gate'],
    ['that is not to be used', 'echo This account is not available.; exit 1', 'gate'],
    ['that says nothing', 'sleep 30', 'timeout'],
  ])('gives its own kind of error for one %s', async (_, forceCommand, kind) => {
    const fixture = await fixtureOver({ forceCommand })
    const link = fixture.host({ openTimeoutMs: 3_000 } as SshHostOptions).link()
    expect(await failure(link.open({ agents: [], services: [], sockets: [] }, new AbortController().signal))).toMatchObject({ kind })
    await fixture.stop()
  })
})
