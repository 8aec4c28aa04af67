/**
 * Tries each line of the table in docs/keys.md: with both keys of a host as `towerwatch host install` prepares it, and, where
 * neither can, with a key without restrictions, which can: so that what is tried is the thing itself.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { appendFile, chown, readdir, readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSshHost } from '../../src/adapters/hosts/ssh.ts'
import { loadConfig } from '../../src/config/load.ts'
import { type HostDeclaration, HostError, type HostLink } from '../../src/ports/host.ts'
import { keyTable } from '../../src/shell/host-table.ts'
import { hostDeclarationOf } from '../../src/watches/heartbeats.ts'
import { orders } from '../support/orders.ts'
import { openPreparedHost, type PreparedHost } from '../support/prepared-host.ts'
import { descendants, isAlive, killHard } from '../support/processes.ts'
import { programPath } from '../support/programs.ts'
import { makeKey } from '../support/sshd.ts'
import { until } from '../support/until.ts'

const run = promisify(execFile)
const never = new AbortController().signal
const nonce = '00112233445566778899aabbccddeeff'

/** plain: a key without restrictions, for which the gate is sent. */
type Key = 'probe' | 'act' | 'plain'

const docs = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'keys.md'), 'utf8')
const rows = docs
  .split('\n')
  .map((line) => /^\| (.+) \| (yes|no) \| (yes|no) \|$/.exec(line))
  .flatMap((match) => (match ? [{ what: match[1] ?? '', probe: match[2] ?? '', act: match[3] ?? '' }] : []))

let prepared: PreparedHost
let declared: HostDeclaration
let socket: string
let count = 0
const order = orders()

beforeAll(async () => {
  prepared = await openPreparedHost()
  const { account, place } = prepared
  const { home, uid, gid } = account
  const as = account.isItsOwn ? { uid, gid } : {}
  for (const [name, text] of [
    ['beat', '{"at": "2026-11-23T08:00:00Z"}\n'],
    ['config.yaml', 'good: yes\n'],
    ['notes', 'said before\n'],
  ] as const) {
    await writeFile(join(home, name), text)
    await chown(join(home, name), uid, gid)
  }
  socket = join(home, 'tmux.sock')
  const tmux = async (...words: string[]) =>
    (await run(programPath('tmux'), ['-S', socket, '-f', '/dev/null', ...words], { ...as, cwd: '/' })).stdout
  await tmux('new-session', '-d', '-s', 'fleet', '-n', 'keeper', 'exec sleep 100000')
  place.ends(Number(await tmux('display-message', '-p', '#{pid}')))
  await tmux('set-option', '-g', 'remain-on-exit', 'on')
  await tmux('new-window', '-d', '-t', 'fleet:', '-n', 'bezalel', 'exec sleep 100000')
  const restart = JSON.stringify({
    kind: 'process',
    start: ['/bin/sh', '-c', 'exec sleep 100000'],
    pidFile: join(home, 'pid'),
    log: join(home, 'log'),
  })
  await prepared.declare(account.name, {
    host: ', services: { gitea: { kind: tcp, port: 1 } }',
    agents: `  timmy: { host: ezra, heartbeat: { file: ${home}/beat }, restart: ${restart}, log: ${home}/notes, configs: [${home}/config.yaml] }
  bezalel: { host: ezra, heartbeat: { file: ${home}/beat }, restart: { kind: pane, socket: ${socket}, target: "fleet:bezalel" } }\n`,
  })
  expect((await prepared.towerwatch('install')).code).toBe(0)
  const config = loadConfig(join(prepared.folder, 'fleet.yaml'), process.env)
  const host = config.hosts.get('ezra')
  if (!host) throw new Error('there is no host ezra')
  declared = hostDeclarationOf(host, [...config.agents.values()])
  await makeKey(join(prepared.folder, 'plain'))
  await appendFile(join(home, '.ssh', 'authorized_keys'), await readFile(join(prepared.folder, 'plain.pub')))
})
afterAll(() => prepared.stop())

const keyFile = (key: Key) => ({ probe: prepared.identity, act: prepared.actIdentity, plain: join(prepared.folder, 'plain') })[key]
const fresh = (name: string) => join(prepared.account.home, `${name}-${++count}`)

async function opened(key: Key, more: Partial<HostDeclaration> = {}): Promise<HostLink> {
  const { address, port, knownHosts } = prepared.sshd
  const gate = key === 'plain' ? 'sent' : 'installed'
  const options = { address, port, knownHosts, user: prepared.account.name, identity: keyFile(key), config: '/dev/null' }
  const link = createSshHost('ezra', { ...options, gate }).link()
  await link.open({ ...declared, ...more }, never)
  return link
}

/** Whether that works over a link with this key. What goes wrong by another reason than that it is not allowed, throws. */
async function over(key: Key, work: (link: HostLink) => Promise<boolean>, more: Partial<HostDeclaration> = {}): Promise<boolean> {
  let link: HostLink | undefined
  try {
    link = await opened(key, more)
    return await work(link)
  } catch (error) {
    if (error instanceof HostError && /takes the key for acts|is not allowed on this host/.test(error.message)) return false
    throw error
  } finally {
    await link?.close()
  }
}

const always = async () => true

/** Agents as declared, one of them otherwise. */
const otherwise = (change: (text: string) => string): Partial<HostDeclaration> => ({
  agents: declared.agents.map((agent) => (agent.id === 'timmy' ? JSON.parse(change(JSON.stringify(agent))) : agent)),
})

interface Ended {
  status: number | null
  out: string
  err: string
}

async function ended(program: string, words: string[], input = ''): Promise<Ended> {
  const child = spawn(programPath(program), words, { stdio: 'pipe' })
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk) => (said.out += chunk))
  child.stderr.on('data', (chunk) => (said.err += chunk))
  child.stdin.on('error', () => child.stdin.destroy())
  child.stdin.end(input)
  const [status] = await once(child, 'close')
  return { status: status as number | null, ...said }
}

const access = (key: Key) => [
  ...['-F', '/dev/null', '-o', 'BatchMode=yes', '-o', `UserKnownHostsFile=${prepared.sshd.knownHosts}`],
  ...['-o', 'IdentitiesOnly=yes', '-i', keyFile(key)],
]
const ssh = (key: Key, options: string[], command: string[] = [], input = '') =>
  ended('ssh', [...access(key), ...options, '-p', String(prepared.sshd.port), target(), ...command], input)
const target = () => `${prepared.account.name}@${prepared.sshd.address}`

/** What stands in the environment of what sshd runs for this key, while it runs. */
async function environment(key: Key, options: string[], env = process.env): Promise<string> {
  const command = key === 'plain' ? 'echo 0 hello; exec cat' : `towerwatch-gate ${nonce}`
  const child = spawn(programPath('ssh'), [...access(key), ...options, '-p', String(prepared.sshd.port), target(), command], {
    stdio: 'pipe',
    env,
  })
  let said = ''
  child.stdout.on('data', (chunk) => (said += chunk))
  await until(() => said.includes('0 hello'), { withinMs: 20_000, what: 'the command runs' })
  const found = descendants(prepared.sshd.pid)
    .filter(({ name }) => !name.startsWith('sshd'))
    .map(({ pid }) => readFileSync(`/proc/${pid}/environ`, 'latin1'))
  child.stdin.end()
  await once(child, 'close')
  return found.join('\0')
}

const tries: Record<string, (key: Key) => Promise<boolean>> = {
  'look at the heartbeats and processes of an agent in the allow-list': (key) =>
    over(key, async (link) => (await link.beats(new Map())).agents.some(({ id, files }) => id === 'timmy' && files[0]?.kind === 'content')),
  'ask for the health of the host': (key) => over(key, async (link) => (await link.probe()).cores > 0),
  'list the panes of the tmux servers in the allow-list': (key) =>
    over(key, async (link) => JSON.stringify(await link.panes()).includes('fleet:bezalel')),
  'read the log of an agent in the allow-list': (key) => over(key, async (link) => (await link.tail('timmy')).text.includes('said before')),
  'compare the settings of an agent in the allow-list': (key) =>
    over(key, async (link) => (await link.configs('timmy'))[0]?.hash !== undefined),
  'restart an agent in the allow-list, as it says there': (key) =>
    over(key, async (link) => {
      await link.restart('timmy', 'stop-first', order(), () => {})
      const pid = Number(await readFile(join(prepared.account.home, 'pid'), 'utf8'))
      prepared.place.ends(pid)
      return isAlive(pid)
    }),
  'revive a dead pane of a tmux server in the allow-list': (key) =>
    over(key, async (link) => {
      const find = async () => (await link.beats(new Map())).agents.find(({ id }) => id === 'bezalel')
      const found = await find()
      if (found?.process.kind === 'alive') killHard(found.process.pid)
      await until(async () => (await find())?.pane?.kind === 'dead', { withinMs: 20_000, what: 'the pane is dead' })
      await link.respawn({ socket, name: 'fleet:bezalel' }, order(), () => {})
      return (await find())?.pane?.kind === 'alive'
    }),
  'keep the settings of an agent in the allow-list as good': (key) =>
    over(key, async (link) => {
      const hashes = (await link.configs('timmy')).map(({ hash }) => hash)
      await link.keepConfigs('timmy', hashes, order())
      return (await link.configs('timmy'))[0]?.goodHash === hashes[0]
    }),
  'put back settings that were kept': (key) =>
    over(key, async (link) => {
      await writeFile(join(prepared.account.home, 'config.yaml'), `good: no ${key}\n`)
      await link.rollBackConfigs('timmy', order())
      return (await readFile(join(prepared.account.home, 'config.yaml'), 'utf8')) === 'good: yes\n'
    }),
  'declare an agent that is not in the allow-list': (key) =>
    over(
      key,
      always,
      otherwise((text) => text.replace('"timmy"', '"mallory"')),
    ),
  'declare one that is, with another start command': (key) =>
    over(
      key,
      always,
      otherwise((text) => text.replace('exec sleep', 'exec  sleep')),
    ),
  'declare one that is, with another file to be read': (key) =>
    over(
      key,
      always,
      otherwise((text) => text.replace(/"heartbeatFiles":\["[^"]*"/, '"heartbeatFiles":["/etc/passwd"')),
    ),
  'watch a tmux server that is not in the allow-list': (key) => over(key, always, { sockets: ['/tmp/other'] }),
  'check a service that is not in the allow-list': (key) =>
    over(key, always, { services: [{ id: 'gitea', kind: 'tcp', address: '127.0.0.1', port: 22 }] }),
  'run a command': async (key) => {
    const file = fresh('ran')
    await ssh(key, ['-T'], [`touch ${file}`])
    return existsSync(file)
  },
  'open a shell': async (key) => {
    const file = fresh('shell')
    await ssh(key, ['-T'], [], `touch ${file}\n`)
    return existsSync(file)
  },
  'get a terminal': async (key) => !(await ssh(key, ['-tt'], ['tty'])).err.includes('PTY allocation request failed'),
  'copy files with sftp': async (key) => {
    const words = [...access(key), '-P', String(prepared.sshd.port), '-b', '-', target()]
    return (await ended('sftp', words, 'pwd\n')).status === 0
  },
  'copy files with scp': async (key) => {
    const copies = ['-O', '-s'].map(async (way) => {
      const file = fresh('copied')
      await ended('scp', [...access(key), way, '-P', String(prepared.sshd.port), '/etc/hostname', `${target()}:${file}`])
      return existsSync(file)
    })
    return (await Promise.all(copies)).includes(true)
  },
  'reach another port through the host': async (key) => {
    const server = createServer((connection) => connection.end('inside')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { out } = await ssh(key, ['-W', `127.0.0.1:${(server.address() as AddressInfo).port}`])
    server.close()
    return out.includes('inside')
  },
  'open a port on the host': async (key) => {
    const words = [
      ...access(key),
      '-N',
      '-o',
      'ExitOnForwardFailure=yes',
      '-R',
      '127.0.0.1:0:127.0.0.1:1',
      '-p',
      String(prepared.sshd.port),
      target(),
    ]
    const child = spawn(programPath('ssh'), words, { stdio: 'pipe' })
    let said = ''
    child.stderr.on('data', (chunk) => (said += chunk))
    const closed = once(child, 'close')
    const isOpen = await until(() => (said.includes('Allocated port') ? { yes: true } : child.exitCode !== null && { yes: false }), {
      withinMs: 20_000,
      what: 'the port is opened or refused',
    })
    child.kill()
    await closed
    return isOpen.yes
  },
  'take the ssh agent of the watch along': async (key) => {
    const agentSocket = join(prepared.folder, `agent-${++count}`)
    const agent = spawn(programPath('ssh-agent'), ['-D', '-a', agentSocket], { stdio: 'ignore' })
    await until(() => existsSync(agentSocket), { withinMs: 20_000, what: 'an ssh agent' })
    const found = await environment(key, ['-A'], { ...process.env, SSH_AUTH_SOCK: agentSocket })
    agent.kill()
    await once(agent, 'exit')
    return found.includes('SSH_AUTH_SOCK=')
  },
  'set LANG and LC_…, where the host takes them (AcceptEnv)': async (key) =>
    (await environment(key, ['-o', 'SetEnv=LC_TOWERWATCH=sent'])).includes('LC_TOWERWATCH=sent'),
}

it('the table in docs/keys.md is the one that `towerwatch host show` prints, and each of its lines is tried', () => {
  expect(rows).toEqual(keyTable)
  expect(Object.keys(tries)).toEqual(rows.map(({ what }) => what))
})

describe.each(rows)('$what', ({ what, probe, act }) => {
  const attempt = (key: Key) => tries[what]?.(key)

  it(`the probe key: ${probe}`, async () => {
    expect(await attempt('probe')).toBe(probe === 'yes')
  })
  it(`the act key: ${act}`, async () => {
    expect(await attempt('act')).toBe(act === 'yes')
  })
  // What one of them can needs no more proof that it is tried rightly.
  if (act === 'no') {
    it('a key without restrictions: yes', async () => {
      expect(await attempt('plain')).toBe(true)
    })
  }
})

it('the watch looks over the one and acts over the other', async () => {
  const { address, port, knownHosts } = prepared.sshd
  const { identity, actIdentity } = prepared
  const options = { address, port, knownHosts, user: prepared.account.name, config: '/dev/null', gate: 'installed' as const }
  const fingerprint = async (file: string) => (await run(programPath('ssh-keygen'), ['-lf', file])).stdout.split(' ')[1] ?? ''
  const before = prepared.sshd.log().length
  const link = createSshHost('ezra', { ...options, identity, actIdentity }).link()
  await link.open(declared, never)
  await link.restart('timmy', 'stop-first', order(), () => {})
  prepared.place.ends(Number(await readFile(join(prepared.account.home, 'pid'), 'utf8')))
  await link.probe()
  await link.close()
  const used = [
    ...prepared.sshd
      .log()
      .slice(before)
      .matchAll(/Accepted publickey for .* (SHA256:\S+)/g),
  ].map(([, print]) => print)
  expect(used).toEqual([await fingerprint(identity), await fingerprint(actIdentity)])
})

it('nothing that was refused has left anything behind', async () => {
  const left = (await readdir(prepared.account.home)).filter((name) => /^(ran|shell|copied)-/.test(name))
  // Three keys were tried; only the one without restrictions could.
  expect(left.length).toBe(4)
})
