/** The key pairs on the watch's own machine. Never overwritten. */
import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Commands } from '../adapters/service/command.ts'
import type { AllowedKey, SshHost } from './host-wanted.ts'
import { exitCode, ShellError } from './shell.ts'

export interface KeyPair {
  role: AllowedKey['role']
  /** Of the private key. */
  path: string
  isThere: boolean
}

/** One for looking, one for acts; where fleet.yaml names one key only, that one is for both. */
export function keyPairsOf({ id, identity, actIdentity }: SshHost): KeyPair[] {
  if (identity === undefined) {
    throw new ShellError(
      `fleet.yaml does not say by which keys: add to the host ${id}\n  identity: ~/.ssh/towerwatch\n  actIdentity: ~/.ssh/towerwatch-act`,
      exitCode.wrongInput,
    )
  }
  if (actIdentity === undefined || actIdentity === identity) return [pair('act', identity)]
  return [pair('probe', identity), pair('act', actIdentity)]
}

function pair(role: AllowedKey['role'], path: string): KeyPair {
  const isThere = existsSync(path)
  if (!isThere && existsSync(`${path}.pub`)) {
    throw new ShellError(`There is a ${path}.pub, but no ${path}: take it away, or name another key.`, exitCode.failed)
  }
  return { role, path, isThere }
}

export function makeKeyArgv({ role, path }: KeyPair, fleet: string): [string, ...string[]] {
  return ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', `towerwatch-${role}@${fleet}`, '-f', path]
}

/** Throws ShellError where ssh-keygen can't. It makes the private key with mode 600. */
export async function makeKey(commands: Commands, key: KeyPair, fleet: string): Promise<void> {
  await mkdir(dirname(key.path), { recursive: true, mode: 0o700 })
  const end = await commands.run(makeKeyArgv(key, fleet))
  if (end.code !== 0) throw new ShellError(`ssh-keygen could not make ${key.path}: ${end.stderr.trim()}`, exitCode.failed)
}

const publicPattern = /^((?:ssh|ecdsa|sk)-[A-Za-z0-9@.-]+ [A-Za-z0-9+/]+={0,2})(?: .*)?$/

/** What goes into authorized_keys. A key that isn't made yet (a dry run) is written as where it will be. */
export async function allowedKey(commands: Commands, key: KeyPair): Promise<AllowedKey> {
  const { role, path } = key
  if (!existsSync(path)) return { role, text: `ssh-ed25519 WHAT-WILL-BE-IN:${path}.pub` }
  const found = publicPattern.exec((await publicText(commands, path)).trim())
  if (!found?.[1]) throw new ShellError(`${path}.pub holds no public key.`, exitCode.failed)
  return { role, text: found[1] }
}

async function publicText(commands: Commands, path: string): Promise<string> {
  if (existsSync(`${path}.pub`)) return readFile(`${path}.pub`, 'utf8')
  const end = await commands.run(['ssh-keygen', '-y', '-P', '', '-f', path])
  if (end.code !== 0)
    throw new ShellError(`There is no ${path}.pub, and ${path} does not give it away: ${end.stderr.trim()}`, exitCode.failed)
  return end.stdout
}
