import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createSshHost, type SshHostOptions } from '../../../src/adapters/hosts/ssh.ts'
import type { AgentDeclaration, HostLink } from '../../../src/ports/host.ts'
import { failure, hostContract } from '../../contracts/host.ts'
import { orders } from '../../support/orders.ts'
import { isAlive } from '../../support/processes.ts'
import { freePort, makeKey, pin, type Sshd, startSshd } from '../../support/sshd.ts'
import { until } from '../../support/until.ts'

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

hostContract('ssh', () => fixtureOver({}))

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
    await until(() => readFile(ready), { withinMs: 5_000, what: 'the worker ignores SIGTERM' })
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
