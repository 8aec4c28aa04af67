/**
 * A host that `towerwatch host install` can prepare: a real sshd on a loopback address, an account, and places of the test's
 * own instead of /etc. Root has a real account for it; whoever else runs the test is that account himself, with another home.
 */
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { type HostOptions, type HostVerb, host } from '../../src/shell/host.ts'
import { type Places, usualPlaces } from '../../src/shell/host-wanted.ts'
import type { Shell } from '../../src/shell/shell.ts'
import { type Account, openPlace, type Place } from '../hands/accounts.ts'
import { type Sshd, startSshd } from './sshd.ts'

export interface PreparedHost {
  place: Place
  folder: string
  account: Account
  sshd: Sshd
  places: Places
  /** fleet.yaml; `agents` are lines of its own. */
  declare(user: string, more?: { host?: string; agents?: string }): Promise<string>
  /** The private keys, made by the installation. */
  identity: string
  actIdentity: string
  /** A program that the host finds before its own. */
  program(name: string, text: string): Promise<void>
  towerwatch(verb: HostVerb, options?: HostOptions, name?: string): Promise<{ code: number; out: string; err: string }>
  stop(): Promise<void>
}

const isRoot = userInfo().uid === 0

export async function openPreparedHost(): Promise<PreparedHost> {
  const place = await openPlace()
  const { folder } = place
  const account = await place.account('home')
  const programs = join(folder, 'bin')
  await mkdir(programs)
  const sshd = await startSshd({
    folder: join(folder, 'sshd'),
    env: { PATH: `${programs}:/usr/sbin:/sbin:${process.env['PATH']}`, ...(isRoot ? {} : { HOME: account.home }) },
    settings: [
      `AuthorizedKeysFile ${account.home}/.ssh/authorized_keys .ssh/authorized_keys ${join(folder, 'sshd', 'authorized_keys')}`,
      // What a key with "restrict" must not get, the server would give.
      ...['AllowTcpForwarding yes', 'AllowAgentForwarding yes', 'PermitTTY yes', 'AcceptEnv *', 'Subsystem sftp internal-sftp'],
    ],
  })
  place.ends(sshd.pid)
  const places: Places = {
    gate: join(folder, 'lib', 'gate.sh'),
    lists: join(folder, 'etc', 'towerwatch'),
    sudoers: join(folder, 'etc', 'sudoers.d'),
    owner: userInfo().username,
    asAccount: isRoot ? usualPlaces.asAccount : () => `env HOME=${account.home} /bin/sh -c`,
  }
  const file = join(folder, 'fleet.yaml')
  const identity = join(folder, 'keys', 'probe')
  const actIdentity = join(folder, 'keys', 'act')
  await chmod(folder, 0o755)
  return {
    place,
    folder,
    account,
    sshd,
    places,
    identity,
    actIdentity,
    declare: async (user, { host: more = '', agents = '' } = {}) => {
      const access = `address: ${sshd.address}, port: ${sshd.port}, user: ${user}, knownHosts: ${sshd.knownHosts}`
      const keys = `identity: ${identity}, actIdentity: ${actIdentity}`
      await writeFile(
        file,
        `version: 1\nfleet: test\nhosts:\n  ezra: { kind: ssh, ${access}, ${keys}, gate: installed${more} }\n  local: { kind: local }\nagents:\n${agents}`,
      )
      return file
    },
    program: (name, text) => writeFile(join(programs, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 }),
    towerwatch: async (verb, options = {}, name = 'ezra') => {
      const said = { out: '', err: '' }
      const shell: Shell = {
        out: (text) => (said.out += `${text}\n`),
        err: (text) => (said.err += `${text}\n`),
        env: process.env,
        cwd: folder,
        signal: new AbortController().signal,
        onReload: () => {},
      }
      const code = await host(shell, verb, name, { config: file, as: places.owner, key: sshd.identity, ...options }, places)
      return { code, ...said }
    },
    stop: async () => {
      await sshd.stop()
      await place.clear()
    },
  }
}
