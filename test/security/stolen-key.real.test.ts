/**
 * Somebody has stolen the keys of a host as `towerwatch host install` prepares it, and tries to get at something else with them:
 * by what is asked for, by a connection that is shared, by forwards, by the environment, and by frames that no watch would send.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chown, readdir, readFile, writeFile } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ended, fed } from '../support/fed.ts'
import { openPreparedHost, type PreparedHost } from '../support/prepared-host.ts'
import { programPath } from '../support/programs.ts'
import { until } from '../support/until.ts'

const nonce = '00112233445566778899aabbccddeeff'
const right = `towerwatch-gate ${nonce}`
const roles = ['probe', 'act'] as const
type Role = (typeof roles)[number]

let prepared: PreparedHost
let home: string
let before: string[]

beforeAll(async () => {
  prepared = await openPreparedHost()
  home = prepared.account.home
  const { uid, gid } = prepared.account
  for (const [name, text] of [
    ['notes', 'said before\n'],
    ['secret', 'the secret\n'],
  ] as const) {
    await writeFile(join(home, name), text)
    await chown(join(home, name), uid, gid)
  }
  const restart = JSON.stringify({ kind: 'command', start: ['/bin/true'] })
  await prepared.declare(prepared.account.name, {
    agents: `  timmy: { host: ezra, heartbeat: { file: ${home}/beat }, restart: ${restart}, log: ${home}/notes }\n`,
  })
  expect((await prepared.towerwatch('install')).code).toBe(0)
  before = await everything()
})
afterAll(() => prepared.stop())

/** Where a thing that was run could leave a trace: home, and where a gate may stand. */
async function everything(): Promise<string[]> {
  const found = await Promise.all([home, join(home, '.ssh'), prepared.folder, '/'].map((folder) => readdir(folder)))
  // The watch's own things come and go; so do the masters of the test.
  return found.flat().filter((name) => !/^(master-|cm-)/.test(name))
}
const nothingHappened = async () => expect((await everything()).filter((name) => !before.includes(name))).toEqual([])

const access = (role: Role) => [
  ...['-F', '/dev/null', '-o', 'BatchMode=yes', '-o', `UserKnownHostsFile=${prepared.sshd.knownHosts}`, '-o', 'IdentitiesOnly=yes'],
  ...['-i', role === 'probe' ? prepared.identity : prepared.actIdentity, '-p', String(prepared.sshd.port)],
]
const target = () => `${prepared.account.name}@${prepared.sshd.address}`

async function ssh(role: Role, options: string[], command: string[], input: string | Buffer = ''): Promise<Ended> {
  const child = spawn(programPath('ssh'), [...access(role), ...options, '--', target(), ...command], { stdio: 'pipe' })
  return fed(child, input)
}

/** A few connections at a time: they wait more than they work. */
async function together<T>(all: readonly T[], attempt: (one: T) => Promise<void>): Promise<void> {
  const left = [...all]
  const lane = async () => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await attempt(one)
  }
  await Promise.all([lane(), lane(), lane(), lane()])
}

describe.each(roles)('the %s key', (role) => {
  it('gets nothing else run, whatever is asked for', async () => {
    const pwn = `touch ${home}/pwned`
    const commands = [
      pwn,
      `${right}; ${pwn}`,
      `${right}\n${pwn}`,
      `${right} && ${pwn}`,
      `${right}\`${pwn}\``,
      `$(${pwn})`,
      `towerwatch-gate $(${pwn}; echo ${nonce})`,
      `() { :; }; ${pwn}`,
      `-c ${pwn}`,
      `-o ProxyCommand=${pwn}`,
      `exec /bin/sh -c '${pwn}'`,
      `cat ${home}/secret`,
      `/bin/sh -s ${nonce}`,
      `scp -f ${home}/secret`,
      `rsync --server --sender . ${home}/secret`,
      `git-upload-pack '${home}'`,
      `internal-sftp`,
      `${'x'.repeat(50_000)}`,
    ]
    await together(commands, async (command) => {
      const { status, out } = await ssh(role, ['-T'], [command], `${pwn}\n`)
      expect([command.slice(0, 80), status, out]).toEqual([command.slice(0, 80), 77, ''])
    })
    await nothingHappened()
  })

  it('gets nothing else over a connection that is shared: no shell, no file, no port, no socket', async () => {
    const inside = createServer((socket) => socket.end('inside')).listen(join(prepared.folder, 'inside.sock'))
    await once(inside, 'listening')
    before = await everything()
    const control = join(prepared.folder, `master-${role}`)
    const master = spawn(programPath('ssh'), [...access(role), '-M', '-S', control, '-N', target()], { stdio: 'ignore' })
    try {
      await until(() => existsSync(control), { withinMs: 20_000, what: 'a connection to be shared' })
      const shared = ['-S', control]
      expect(await ssh(role, [...shared, '-T'], [`touch ${home}/pwned`])).toMatchObject({ status: 77, out: '' })
      expect((await ssh(role, [...shared, '-T'], [], `touch ${home}/pwned\n`)).status).toBe(77)
      expect((await ssh(role, [...shared, '-tt'], [right])).err).toContain('PTY allocation request failed')
      expect((await ssh(role, [...shared, '-s', '-T'], ['sftp'])).out).toBe('')
      for (const [way, what] of [
        ['-R', '127.0.0.1:0:127.0.0.1:1'],
        ['-R', `${home}/pwned.sock:127.0.0.1:1`],
        ['-R', '127.0.0.1:0'],
      ] as const) {
        const { status, err } = await ssh(role, [...shared, '-O', 'forward', way, what], [])
        expect([what, status, err]).toEqual([what, 255, expect.stringMatching(/forwarding.*(failed|request)/i)])
      }
      // Those listen on the thief's side, and are refused when somebody comes.
      for (const where of [join(prepared.folder, 'inside.sock'), `127.0.0.1:${prepared.sshd.port}`]) {
        const mine = join(prepared.folder, `cm-${role}-${where.length}`)
        expect((await ssh(role, [...shared, '-O', 'forward', '-L', `${mine}:${where}`], [])).status).toBe(0)
        expect(await heardAt(mine)).toBe('')
      }
      await nothingHappened()
    } finally {
      master.kill()
      if (master.exitCode === null) await once(master, 'exit')
      inside.close()
    }
  })

  it('gets nothing out of the gate by frames that no watch sends, nor out of its sight by names', async () => {
    const pwn = `touch ${home}/pwned`
    const secret = join(home, 'secret')
    const frame = (text: string) => `${nonce} 1 ${text}\n`
    const agent = (lines: string[]) => frame(`declare ${lines.length}\n${lines.join('\n')}`)
    const verbs = ['tail', 'restart', 'respawn', 'configs', 'keep-configs', 'panes', 'probe', 'beats', 'awaited']
    const names = ['-o', '-oproxycommand=x', '--', '.', '..', '-', '=', 'timmy=1', 'secret'].flatMap((name) =>
      verbs.map((verb) => frame(`${verb} ${name}`)),
    )
    const outOfForm: (string | Buffer)[] = [
      ...['../../secret', secret, '*', '~', `timmy;${pwn}`, `$(${pwn})`, `\`${pwn}\``].map((name) => frame(`tail ${name}`)),
      ...['\n', '\r', '\t', '\0', '\u0001', '\u007f', '\u00ff', '\u2028'].map((sign) => frame(`tail timmy${sign}${pwn}`)),
      ...['-1', '0x1', '9'.repeat(40), '1e3', '', ' '].map((number) => `${nonce} ${number} tail timmy\n`),
      `${nonce.slice(1)} 1 tail timmy\n`,
      `tail timmy\n${pwn}\n`,
      Buffer.alloc(70_000),
      Buffer.concat([Buffer.from(nonce), Buffer.alloc(9), Buffer.from(` 1 tail ${secret}\n`)]),
      'x'.repeat(70_000),
      `${frame(`tail ${'a'.repeat(70_000)}`)}`,
      frame(`declare ${'9'.repeat(30)}`),
      frame('declare -1'),
      frame('declare 2\nI:timmy'),
      agent(['I:timmy', `L:${secret}`, 'K:command', 'A:true', 'E:']),
      agent(['I:../timmy', `F:${secret}`, 'G:100', 'K:command', `A:${pwn}`, 'E:']),
      agent(['I:timmy', `F:${'y'.repeat(70_000)}`, 'E:']),
      agent([`X:${home}/pwned.sock`]),
      agent(['V:up', 'v:http', 'w:http://127.0.0.1:1/', 'w:204']),
      frame('beats stopping watching timmy=1 awaited timmy'),
      frame('nonsense').repeat(200),
    ]
    // Names a dozen a connection: they are refused one by one. What is out of form ends the connection.
    const groups = Array.from({ length: Math.ceil(names.length / 12) }, (_, index) => names.slice(index * 12, index * 12 + 12).join(''))
    // What is out of form never gets as far as the role.
    const some = role === 'probe' ? outOfForm : outOfForm.filter((_, index) => index % 4 === 0)
    await together([...groups, ...some], async (input) => {
      const { status, out } = await ssh(role, ['-T'], [right], input)
      expect([0, 65], String(input).slice(0, 100)).toContain(status)
      expect(out).not.toContain('the secret')
    })
    await nothingHappened()
    expect(await readFile(secret, 'utf8')).toBe('the secret\n')
  })

  it('changes nothing by the environment, of which this sshd takes whatever it is given', async () => {
    const pwn = `touch ${home}/pwned`
    const values = {
      SSH_ORIGINAL_COMMAND: pwn,
      IFS: 'tw-e',
      ENV: `$(${pwn})`,
      PS4: `$(${pwn})`,
      LC_ALL: `$(${pwn})`,
      TMUX: `${home}/pwned.sock,1,0`,
      TMPDIR: '/nonexistent',
      nonce,
      role: 'act',
      allowed: `\nX:${home}/pwned.sock\n`,
      table: 'x',
      has_timeout: 'no',
      SHELLOPTS: 'xtrace',
      POSIXLY_CORRECT: '1',
      CDPATH: '/',
    }
    const set = Object.entries(values).map(([name, value]) => `${name}="${value.replaceAll('\n', ' ')}"`)
    const options = ['-T', '-o', `SetEnv=${set.join(' ')}`]
    const wanted = `${nonce} 1 declare 1\nX:${home}/pwned.sock\n${nonce} 2 restart timmy only-dead\n`
    const { status, out } = await ssh(role, options, [right], wanted)
    expect(status).toBe(0)
    expect(out).toContain('0 hello')
    expect(out).toContain('is not allowed on this host')
    expect(await ssh(role, options, [pwn])).toMatchObject({ status: 77, out: '' })
    await nothingHappened()
  })
})

/** What comes from a socket until it is closed. */
async function heardAt(path: string): Promise<string> {
  const socket = createConnection(path)
  let heard = ''
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')))
  socket.on('error', () => socket.destroy())
  await once(socket, 'close')
  return heard
}
