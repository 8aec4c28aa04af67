/** `towerwatch host install|show|remove NAME`: the installed gate of a host, its keys, its allow-list. */
import { DeclarationError } from '../adapters/hosts/gate-protocol.ts'
import { gateScript } from '../adapters/hosts/gate-script.ts'
import { createSshHost } from '../adapters/hosts/ssh.ts'
import type { Commands } from '../adapters/service/command.ts'
import type { Config } from '../config/config.ts'
import { sayNames } from '../domain/did-you-mean.ts'
import { HostError } from '../ports/host.ts'
import { hostDeclarationOf } from '../watches/heartbeats.ts'
import { allowedKey, type KeyPair, keyPairsOf, makeKey, makeKeyArgv } from './host-keys.ts'
import { installSteps, type Piece, piecesOf, removeSteps } from './host-pieces.ts'
import { doScript, type Facts, type HostStep, lookScript, quoted, readFacts } from './host-script.ts'
import { type Login, loginArgv, runThere } from './host-ssh.ts'
import { keyTable, sayKeyTable } from './host-table.ts'
import { type Places, type SshHost, usualPlaces, type Wanted, wantedOf } from './host-wanted.ts'
import { commandsOf } from './jobs.ts'
import { exitCode, readConfig, type Shell, ShellError } from './shell.ts'

export interface HostOptions {
  config?: string
  /** Whom to log in as for this: root, or who may use sudo. */
  as?: string
  /** The private key for that login. */
  key?: string
  dryRun?: boolean
  json?: boolean
  /** Remove the account, too. */
  account?: boolean
}

export type HostVerb = 'install' | 'show' | 'remove'

interface Work {
  shell: Shell
  config: Config
  host: SshHost
  login: Login
  /** The command line of ssh for all of it. */
  argv: string[]
  commands: Commands
  pairs: KeyPair[]
  places: Places
}

/** Exit 0; 1 where something failed, or `show` found a difference. Throws ShellError. */
export async function host(shell: Shell, verb: HostVerb, name: string, options: HostOptions, places = usualPlaces): Promise<number> {
  const config = readConfig(shell, options.config, 'left-out')
  const declared = config.hosts.get(name)
  if (!declared) {
    throw new ShellError(
      `There is no host "${name}" in ${config.file}. There are: ${sayNames([...config.hosts.keys()])}.`,
      exitCode.wrongInput,
    )
  }
  if (declared.kind === 'local') {
    shell.out(`${name} is the machine that the watch itself runs on: the gate is a child of the watch there, and nothing is installed.`)
    return exitCode.ok
  }
  const login: Login = { host: declared, as: options.as ?? 'root', ...(options.key !== undefined && { key: options.key }) }
  const argv = loginArgv(login, places.owner)
  const work = { shell, config, host: declared, login, argv, commands: commandsOf(shell), pairs: keyPairsOf(declared), places }
  switch (verb) {
    case 'install':
      return install(work, options.dryRun === true)
    case 'show':
      return show(work, options.json === true)
    case 'remove':
      return remove(work, options.dryRun === true, options.account === true)
  }
}

async function install(work: Work, isDryRun: boolean): Promise<number> {
  const { shell, config, host, pairs, commands } = work
  const missing = pairs.filter(({ isThere }) => !isThere)
  const { facts, wanted } = await look(work)
  // Refused before anything is done, here or there.
  const planned = installSteps(facts, wanted)
  for (const pair of missing) {
    shell[isDryRun ? 'out' : 'err'](`$ ${makeKeyArgv(pair, config.fleet).map(shellWord).join(' ')}`)
    if (!isDryRun) await makeKey(commands, pair, config.fleet)
  }
  if (pairs.length === 1) shell.err(`Without an actIdentity in fleet.yaml, one key is for looking and for acts.`)
  const steps = missing.length === 0 || isDryRun ? planned : installSteps(facts, await want(work))
  if (isDryRun) return dryRun(work, steps)
  await perform(work, steps)
  await tryKeys(work)
  if (steps.length === 0 && missing.length === 0) shell.out(`${host.id} is prepared: nothing to do.`)
  else shell.out(`${host.id} is prepared.`)
  if (host.gate !== 'installed') shell.out(`The watch does not use it yet: add "gate: installed" to the host ${host.id} in ${config.file}.`)
  return exitCode.ok
}

async function remove(work: Work, isDryRun: boolean, withAccount: boolean): Promise<number> {
  const { shell, host, pairs } = work
  const { facts, wanted } = await look(work)
  const steps = removeSteps(facts, wanted, withAccount)
  if (isDryRun) return dryRun(work, steps)
  await perform(work, steps)
  shell.out(
    steps.length === 0 ? `There is nothing of towerwatch on ${host.id}: nothing to do.` : `What was installed on ${host.id} is gone.`,
  )
  if (facts.isAccountOurs && !withAccount) shell.out(`The account ${wanted.user} stays; with --account it is removed, too.`)
  const kept = pairs.filter(({ isThere }) => isThere).map(({ path }) => path)
  if (kept.length > 0) shell.out(`The keys on this machine stay: ${kept.join(', ')}`)
  return exitCode.ok
}

async function show(work: Work, asJson: boolean): Promise<number> {
  const { shell, host, pairs } = work
  const { facts, wanted } = await look(work)
  const here = pairs.map(({ role, path, isThere }) => ({
    what: `the ${role} key on this machine`,
    path,
    state: isThere ? ('as it would be written' as const) : ('missing' as const),
  }))
  const pieces = [...here, ...piecesOf(facts, wanted)]
  const isRight = pieces.every(({ state }) => state === 'as it would be written')
  if (asJson) {
    const told = pieces.map((piece) => ({
      what: piece.what,
      path: piece.path,
      state: piece.state,
      ...('detail' in piece && { detail: piece.detail }),
    }))
    shell.out(JSON.stringify({ host: host.id, ok: isRight, gate: host.gate, pieces: told, keys: keyTable }))
  } else {
    for (const piece of pieces) shell.out(sayPiece(piece))
    shell.out(isRight ? `${host.id} is as it would be prepared now.` : `To put that right, type: towerwatch host install ${host.id}`)
    if (host.gate !== 'installed') shell.out(`The watch does not use it: fleet.yaml has "gate: sent" for ${host.id}.`)
    shell.out(['', 'What each key can do there:', ...sayKeyTable()].join('\n'))
  }
  return isRight ? exitCode.ok : exitCode.failed
}

function sayPiece({ what, path, state, detail }: Pick<Piece, 'what' | 'path' | 'state' | 'detail'>): string {
  return `${what} (${path}): ${state}${detail ? `; ${detail}` : ''}`
}

async function look(work: Work): Promise<{ facts: Facts; wanted: Wanted }> {
  const { shell, login, argv, host } = work
  const wanted = await want(work)
  shell.err(`Looking at ${host.id} as ${login.as}`)
  return { facts: readFacts(host.id, await runThere(shell, login, argv, lookScript(wanted))), wanted }
}

async function want({ config, host, commands, pairs, places }: Work): Promise<Wanted> {
  const keys = await Promise.all(pairs.map((pair) => allowedKey(commands, pair)))
  try {
    return wantedOf(config, host, keys, await gateScript(), places)
  } catch (error) {
    throw error instanceof DeclarationError ? new ShellError(error.message, exitCode.wrongInput) : error
  }
}

function dryRun({ shell, host, argv, places }: Work, steps: HostStep[]): number {
  if (steps.length === 0) shell.out(`There is nothing to do on ${host.id}.`)
  else {
    shell.out(`$ ${['ssh', ...argv].map(shellWord).join(' ')} <<'THAT'`)
    shell.out(`${doScript(steps, places)}THAT`)
  }
  shell.out('Nothing was done: that was a dry run.')
  return exitCode.ok
}

function shellWord(word: string): string {
  return /^[A-Za-z0-9_@+=:,./-]+$/.test(word) ? word : quoted(word)
}

async function perform({ shell, login, argv, places, host }: Work, steps: HostStep[]): Promise<void> {
  if (steps.length === 0) return
  let isDone = false
  await runThere(shell, login, argv, doScript(steps, places), (step) => {
    if (step === 'done') isDone = true
    else shell.err(`${host.id}: ${step}`)
  })
  if (!isDone) throw new ShellError(`${host.id} did not say that all of it was done: see towerwatch host show ${host.id}`, exitCode.failed)
}

/** That the files are there does not mean that sshd goes by them. */
async function tryKeys({ shell, config, host, pairs }: Work): Promise<void> {
  const agents = [...config.agents.values()].filter((agent) => agent.host === host.id)
  const { actIdentity: _, kind: __, name: ___, ...access } = host
  for (const { role, path } of pairs) {
    shell.err(`Trying the ${role} key`)
    const link = createSshHost(host.id, { ...access, identity: path, gate: 'installed' }).link()
    try {
      await link.open(hostDeclarationOf(host, agents), shell.signal)
    } catch (error) {
      if (!(error instanceof HostError)) throw error
      throw new ShellError(`All is written, but the ${role} key does not reach the gate: ${error.message}`, exitCode.failed)
    } finally {
      await link.close()
    }
  }
}
