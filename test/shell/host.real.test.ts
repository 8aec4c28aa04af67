/** `towerwatch host …` against a real sshd and a real account, in places of the test's own instead of /etc. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GATE_GREETING } from '../../src/adapters/hosts/gate-protocol.ts'
import { gateScript } from '../../src/adapters/hosts/gate-script.ts'
import { createSshHost } from '../../src/adapters/hosts/ssh.ts'
import { failure } from '../contracts/host.ts'
import { startOf } from '../hands/process-start.ts'
import { openPreparedHost, type PreparedHost } from '../support/prepared-host.ts'

const run = promisify(execFile)
const isRoot = userInfo().uid === 0
const timmy = '  timmy: { host: ezra, heartbeat: { file: /beats/timmy }, restart: { kind: command, start: [/bin/true, "it\'s"] } }\n'
const other = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa somebody else'

let prepared: PreparedHost
let home: string

beforeAll(async () => {
  prepared = await openPreparedHost()
  home = prepared.account.home
  await mkdir(join(home, '.ssh'), { mode: 0o700 })
  await writeFile(join(home, '.ssh', 'authorized_keys'), `# by hand\n${other}`, { mode: 0o600 })
  for (const path of ['.ssh', '.ssh/authorized_keys']) await chown(join(home, path), prepared.account.uid, prepared.account.gid)
  await prepared.declare(prepared.account.name, { agents: timmy })
})
afterAll(() => prepared.stop())

const keys = () => readFile(join(home, '.ssh', 'authorized_keys'), 'utf8')
const list = () => join(prepared.places.lists, 'ezra.allow')
const modeOf = async (path: string) => ((await stat(path)).mode & 0o7777).toString(8)

describe('before anything is installed', () => {
  it('says that nothing is installed on the machine of the watch itself', async () => {
    const { code, out } = await prepared.towerwatch('install', {}, 'local')
    expect([code, out]).toEqual([0, expect.stringContaining('nothing is installed')])
  })

  it('names the hosts that there are, for one that there is not', async () => {
    await expect(prepared.towerwatch('show', {}, 'esra')).rejects.toThrow(/There is no host "esra" in .*There are: ezra, local/)
  })

  it('shows what is missing, and what each key could do', async () => {
    const { code, out } = await prepared.towerwatch('show')
    expect(code).toBe(1)
    expect(out).toContain(`the gate (${prepared.places.gate}): missing`)
    expect(out).toMatch(/run a command +no +no/)
  })

  it('prints all of it in a dry run, and does nothing', async () => {
    const { code, out } = await prepared.towerwatch('install', { dryRun: true })
    expect(code).toBe(0)
    for (const text of [
      `ssh-keygen -q -t ed25519 -N '' -C towerwatch-probe@test -f ${prepared.identity}`,
      await gateScript(),
      "A:it's\n",
      'restrict,command=',
    ]) {
      expect(out).toContain(text)
    }
    expect([existsSync(prepared.identity), existsSync(prepared.places.gate), existsSync(list()), await keys()]).toEqual([
      false,
      false,
      false,
      `# by hand\n${other}`,
    ])
  })

  it('says what to type where the key of the host is not known, and learns none', async () => {
    const known = await readFile(prepared.sshd.knownHosts, 'utf8')
    await writeFile(prepared.sshd.knownHosts, '')
    const error = await failure(prepared.towerwatch('install'))
    await writeFile(prepared.sshd.knownHosts, known)
    const { port, address, knownHosts } = prepared.sshd
    expect(error?.message).toContain(`ssh-keyscan -p ${port} ${address} | ssh-keygen -lf -`)
    expect(error?.message).toContain(`ssh-keyscan -p ${port} ${address} >> ${knownHosts}`)
    expect(existsSync(prepared.places.gate)).toBe(false)
  })

  it('says whose login was refused', async () => {
    const wrong = join(prepared.folder, 'wrong')
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', wrong])
    const error = await failure(prepared.towerwatch('install', { key: wrong }))
    expect(error?.message).toContain(`It was ${prepared.places.owner} who was refused`)
  })
})

describe('an installation', () => {
  it('says each thing, does it, and leaves all other keys as they are', async () => {
    const { code, out, err } = await prepared.towerwatch('install')
    expect([code, out]).toEqual([0, 'ezra is prepared.\n'])
    for (const path of [prepared.places.gate, list(), `authorized_keys of ${prepared.account.name}`])
      expect(err).toContain(`ezra: writing ${path}`)
    expect(await readFile(prepared.places.gate, 'utf8')).toBe(await gateScript())
    expect(await Promise.all([prepared.identity, prepared.actIdentity, list(), prepared.places.gate].map(modeOf))).toEqual([
      ...['600', '600', '640', '644'],
    ])
    expect((await stat(list())).uid).toBe(userInfo().uid)
    const lines = (await keys()).split('\n')
    expect([lines.slice(0, 3), await modeOf(join(home, '.ssh', 'authorized_keys'))]).toEqual([
      ['# by hand', other, '# begin towerwatch ezra'],
      '600',
    ])
    expect(lines[3]).toMatch(/^restrict,command="\/bin\/sh \S+ probe \S+" ssh-ed25519 \S+ towerwatch-probe@test$/)
    expect(lines[4]).toMatch(/^restrict,command="\/bin\/sh \S+ act \S+" ssh-ed25519 \S+ towerwatch-act@test$/)
  })

  it('has nothing to do the second time, and touches nothing', async () => {
    const files = [prepared.places.gate, list(), join(home, '.ssh', 'authorized_keys'), prepared.identity, prepared.actIdentity]
    const inodes = async () => Promise.all(files.map(async (file) => (await stat(file)).ino))
    const before = await inodes()
    expect(await prepared.towerwatch('install')).toMatchObject({ code: 0, out: 'ezra is prepared: nothing to do.\n' })
    expect(await inodes()).toEqual(before)
    expect((await prepared.towerwatch('show')).code).toBe(0)
  })

  it('is shown as broken where it is, and mended by what its dry run prints', async () => {
    await writeFile(prepared.places.gate, 'exit 0\n')
    await writeFile(list(), '# towerwatch allow-list of ezra\n')
    await chmod(list(), 0o666)
    await writeFile(join(home, '.ssh', 'authorized_keys'), (await keys()).replace('restrict,', ''))
    const { code, out } = await prepared.towerwatch('show')
    expect(code).toBe(1)
    for (const told of [
      /^the gate .*: differs; its text$/m,
      /^the allow-list .*: differs; its text, its mode \(-rw-rw-rw- instead of -rw-r-----\)$/m,
      /^the keys .*: differs$/m,
      /^To put that right, type: towerwatch host install ezra$/m,
    ]) {
      expect(out).toMatch(told)
    }
    const printed = (await prepared.towerwatch('install', { dryRun: true })).out
    const script = printed.slice(printed.indexOf('\n') + 1, printed.lastIndexOf('THAT'))
    await run('/bin/sh', ['-c', script])
    expect((await prepared.towerwatch('show')).code).toBe(0)
  })

  it('is refused while another line lets the same key in without the gate', async () => {
    const whole = await keys()
    await writeFile(join(home, '.ssh', 'authorized_keys'), `${await readFile(`${prepared.identity}.pub`, 'utf8')}${whole}`)
    expect((await prepared.towerwatch('show')).out).toMatch(/line 1 lets the same key in without the gate/)
    await expect(prepared.towerwatch('install')).rejects.toThrow(/Line 1 of authorized_keys .* lets the same key in without the gate/)
    await writeFile(join(home, '.ssh', 'authorized_keys'), whole)
  })

  it('allows system units to be restarted by sudo, once visudo finds that right, and no longer than they are there', async () => {
    const unit = (name: string) => `  gitea: { host: ezra, heartbeat: { file: /beats/g }, restart: { kind: service, unit: ${name} } }\n`
    const user = prepared.account.name
    const sudoers = join(prepared.places.sudoers, 'towerwatch-ezra')
    await prepared.declare(user, { agents: timmy + unit('gitea.service') })
    // The root that runs this test needs no line, and is refused none.
    const isNeeded = user !== 'root'
    expect(isNeeded).toBe(true)
    await prepared.program('sudo', 'exit 1')
    await prepared.program('visudo', 'echo "syntax error" >&2; exit 1')
    const refused = await failure(prepared.towerwatch('install'))
    expect(refused?.message).toMatch(/"writing .*towerwatch-ezra" on ezra ended with status 1: syntax error/)
    expect(existsSync(sudoers) || existsSync(`${sudoers}.towerwatch-new`)).toBe(false)
    await prepared.program('visudo', '[ "$*" = "-c -q -f $4" ] && grep -q NOPASSWD "$4"')
    expect((await prepared.towerwatch('install')).code).toBe(0)
    expect([await modeOf(sudoers), (await readFile(sudoers, 'utf8')).split('\n').slice(1)]).toEqual([
      '440',
      [
        `${user} ALL=(root) NOPASSWD: /usr/bin/systemctl restart -- gitea.service`,
        `${user} ALL=(root) NOPASSWD: /bin/systemctl restart -- gitea.service`,
        '',
      ],
    ])
    await prepared.declare(user, { agents: timmy })
    expect((await prepared.towerwatch('show')).out).toContain('it is needed no more')
    expect((await prepared.towerwatch('install')).code).toBe(0)
    expect(existsSync(sudoers)).toBe(false)
  })
})

describe('what the watch is told', () => {
  async function outcome(more = {}) {
    const { address, port, knownHosts } = prepared.sshd
    const options = { address, port, knownHosts, user: prepared.account.name, config: '/dev/null', gate: 'installed' as const, ...more }
    const link = createSshHost('ezra', { identity: prepared.identity, ...options }).link()
    const error = await failure(link.open({ agents: [], services: [], sockets: [] }, new AbortController().signal))
    await link.close()
    return error
  }

  it('is nothing where all is well', async () => {
    expect(await outcome()).toBeUndefined()
  })

  it('is that the gate refused, where there is no allow-list, and what to type', async () => {
    await rename(list(), `${list()}.away`)
    expect(await outcome()).toMatchObject({
      kind: 'gate',
      message: expect.stringMatching(/there is no allow-list .*towerwatch host show ezra/),
    })
    await rename(`${list()}.away`, list())
  })

  it('is that it is of another version, and what to type', async () => {
    const gate = await gateScript()
    await writeFile(prepared.places.gate, gate.replace(GATE_GREETING, `${GATE_GREETING}0`))
    expect(await outcome()).toMatchObject({
      kind: 'gate',
      message: expect.stringMatching(/another version; .* type: towerwatch host install ezra$/),
    })
    await writeFile(prepared.places.gate, gate)
  })

  it('is that the gate refused, where fleet.yaml says that it is sent', async () => {
    expect(await outcome({ gate: 'sent' })).toMatchObject({ kind: 'gate', message: expect.stringContaining('"gate: installed"') })
  })

  it('stays apart from a refused key and a changed host key', async () => {
    expect(await outcome({ identity: join(prepared.folder, 'wrong') })).toMatchObject({ kind: 'auth' })
    const empty = join(prepared.folder, 'empty')
    await writeFile(empty, '')
    expect(await outcome({ knownHosts: empty })).toMatchObject({ kind: 'host-key' })
  })
})

describe('a removal', () => {
  it('prints what it would do in a dry run, and does nothing', async () => {
    const { out } = await prepared.towerwatch('remove', { dryRun: true })
    expect(out).toContain(`rm -f '${list()}'`)
    expect((await prepared.towerwatch('show')).code).toBe(0)
  })

  it('does not take an account away that was there before', async () => {
    await expect(prepared.towerwatch('remove', { account: true })).rejects.toThrow(/was there before/)
    expect((await prepared.towerwatch('show')).code).toBe(0)
  })

  it('takes away what the installation made, and nothing else', async () => {
    const { code, out } = await prepared.towerwatch('remove')
    expect([code, out]).toEqual([0, expect.stringContaining('What was installed on ezra is gone.')])
    expect(await keys()).toBe(`# by hand\n${other}\n`)
    expect([prepared.places.gate, prepared.places.lists, prepared.identity].map((path) => existsSync(path))).toEqual([false, false, true])
    expect((await prepared.towerwatch('remove')).out).toContain('nothing to do')
  })
})

describe('an account that is not there yet', () => {
  const name = `twt${process.pid}x90`
  afterAll(async () => {
    if (isRoot) await run('userdel', [name]).catch(() => {})
  })

  it('is made with /bin/sh and no password, and removed where that is asked for', async () => {
    const inner = join(prepared.folder, 'made')
    // Marked as the accounts of a test are: should this process be killed, the next run removes it.
    const mark = `--comment 'towerwatch test ${process.pid} ${startOf(process.pid)}'`
    await prepared.program('useradd', `exec /usr/sbin/useradd ${mark} --home-dir ${inner} --no-log-init "$@"`)
    await prepared.declare(name, { agents: timmy })
    if (!isRoot) {
      await expect(prepared.towerwatch('install')).rejects.toThrow(/"making the account .* ended with status/)
      return
    }
    expect((await prepared.towerwatch('install')).err).toContain(`ezra: making the account ${name}, with /bin/sh`)
    const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((text) => text.startsWith(`${name}:`))
    expect(line).toMatch(/:\/bin\/sh$/)
    expect((await readFile('/etc/shadow', 'utf8')).split('\n').find((text) => text.startsWith(`${name}:`))).toContain(`${name}:*:`)
    expect((await prepared.towerwatch('install')).out).toContain('nothing to do')
    expect((await prepared.towerwatch('remove')).out).toContain(`The account ${name} stays`)
    expect((await prepared.towerwatch('remove', { account: true })).code).toBe(0)
    expect(await readFile('/etc/passwd', 'utf8')).not.toContain(`${name}:`)
    expect([existsSync(inner), existsSync(prepared.places.lists)]).toEqual([true, false])
  })
})
