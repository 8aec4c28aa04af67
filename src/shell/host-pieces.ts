/** What an installation consists of, each piece with how it is, and with what puts it right or takes it away. Pure. */
import type { Facts, HostStep, SeenFile } from './host-script.ts'
import { hasKeys, openLines, type Wanted, withKeys, withoutKeys } from './host-wanted.ts'
import { exitCode, ShellError } from './shell.ts'

export interface Piece {
  what: string
  path: string
  state: 'missing' | 'differs' | 'as it would be written'
  /** What differs, or what is to be known of it. */
  detail?: string
  put: HostStep[]
  takeAway: HostStep[]
}

const right = 'as it would be written'

/** In the order in which they are put there: who may log in comes last. */
export function piecesOf(facts: Facts, wanted: Wanted): Piece[] {
  const { paths, places, user } = wanted
  const owned = (mode: string) => ({ mode, owner: places.owner })
  const gate = file('the gate', places.gate, facts.gate, { ...owned('-rw-r--r--'), text: wanted.gateText })
  const list = file('the allow-list', paths.list, facts.list, { ...owned('-rw-r-----'), text: wanted.listText }, user)
  return [
    account(facts, wanted),
    // Other hosts of a fleet.yaml may be on the same machine.
    facts.otherLists === 0 ? gate : { ...gate, takeAway: [] },
    list,
    ...sudoers(facts, wanted),
    keys(facts, wanted),
  ]
}

function account({ account: seen, isAccountOurs }: Facts, { user, paths }: Wanted): Piece {
  return {
    what: 'the account',
    path: user,
    state: seen === 'missing' ? 'missing' : right,
    detail: seen === 'missing' ? '' : isAccountOurs ? 'made by an installation' : 'was there before',
    put: [{ kind: 'account', user }, write(paths.account, '644', `${user}\n`)],
    takeAway: [],
  }
}

function file(what: string, path: string, seen: SeenFile | undefined, wanted: SeenFile, group?: string): Piece {
  const mode = { '-rw-r--r--': '644', '-rw-r-----': '640', '-r--r-----': '440' }[wanted.mode] ?? '600'
  return {
    what,
    path,
    ...compared(seen, wanted),
    put: [write(path, mode, wanted.text, group)],
    takeAway: [{ kind: 'remove', path }],
  }
}

function compared(seen: SeenFile | undefined, wanted: SeenFile): Pick<Piece, 'state' | 'detail'> {
  if (!seen) return { state: 'missing' }
  const differs = [
    ...(seen.text === wanted.text ? [] : ['its text']),
    ...(seen.mode === wanted.mode ? [] : [`its mode (${seen.mode} instead of ${wanted.mode})`]),
    ...(seen.owner === wanted.owner ? [] : [`its owner (${seen.owner} instead of ${wanted.owner})`]),
  ]
  return differs.length === 0 ? { state: right } : { state: 'differs', detail: differs.join(', ') }
}

function write(path: string, mode: string, text: string, group?: string): HostStep & { kind: 'write' } {
  return { kind: 'write', path, mode, text, ...(group !== undefined && { group }) }
}

/** None where nothing needs rights of root; what is left from before is taken away then. */
function sudoers(facts: Facts, { host, paths, places, sudoersText }: Wanted): Piece[] {
  const what = 'sudoers'
  if (sudoersText === undefined) {
    if (!facts.sudoers) return []
    const gone: HostStep[] = [{ kind: 'remove', path: paths.sudoers }]
    return [{ what, path: paths.sudoers, state: 'differs', detail: 'it is needed no more', put: gone, takeAway: gone }]
  }
  const wanted = { mode: '-r--r-----', owner: places.owner, text: sudoersText }
  const piece = file(what, paths.sudoers, facts.sudoers, wanted)
  if (piece.state !== right && !facts.hasVisudo) {
    throw new ShellError(
      `There is no sudo on ${host}, which restarting system units needs: install it there first, or use "scope: user".`,
      exitCode.failed,
    )
  }
  return [{ ...piece, put: [{ ...write(paths.sudoers, '440', sudoersText), check: 'visudo' }] }]
}

function keys(facts: Facts, wanted: Wanted): Piece {
  const { host, user } = wanted
  const home = facts.account === 'missing' ? `~${user}` : facts.account.home
  const path = `${home}/.ssh/authorized_keys`
  const text = facts.keys?.text ?? ''
  const open = openLines(text, wanted)
  const whole = withKeys(text, wanted)
  const isThere = hasKeys(text, host)
  return {
    what: 'the keys',
    path,
    state: open.length > 0 ? 'differs' : whole === text ? right : isThere ? 'differs' : 'missing',
    ...(open.length > 0 && { detail: `line ${open.join(' and ')} lets the same key in without the gate: take that out by hand` }),
    put: [{ kind: 'keys', user, text: whole }],
    takeAway: isThere ? [{ kind: 'keys', user, text: withoutKeys(text, host) }] : [],
  }
}

/** Throws ShellError where it cannot be done, before anything was. */
export function installSteps(facts: Facts, wanted: Wanted): HostStep[] {
  const { host, user, places } = wanted
  refuseForeign(facts, wanted)
  if (facts.account === 'missing' && !facts.canMakeAccount) {
    throw new ShellError(`${host} has neither useradd nor adduser: make the account ${user} there by hand, with /bin/sh.`, exitCode.failed)
  }
  const open = openLines(facts.keys?.text ?? '', wanted)
  if (open.length > 0) {
    throw new ShellError(
      `Line ${open.join(' and ')} of authorized_keys of ${user} on ${host} lets the same key in without the gate. Take that out first, or name other keys in fleet.yaml.`,
      exitCode.failed,
    )
  }
  if (facts.ranAs !== places.owner) throw notPrivileged(facts, wanted)
  return piecesOf(facts, wanted).flatMap((piece) => (piece.state === right ? [] : piece.put))
}

/** What an installation made. The account only where that is asked for, and only one that an installation made. */
export function removeSteps(facts: Facts, wanted: Wanted, withAccount: boolean): HostStep[] {
  const { host, user, places, paths } = wanted
  refuseForeign(facts, wanted)
  if (facts.ranAs !== places.owner) throw notPrivileged(facts, wanted)
  if (withAccount && facts.account !== 'missing' && !facts.isAccountOurs) {
    throw new ShellError(`The account ${user} on ${host} was there before: --account does not remove it.`, exitCode.refused)
  }
  const taken = piecesOf(facts, wanted)
    .toReversed()
    .flatMap((piece) => (piece.state === 'missing' ? [] : piece.takeAway))
  if (facts.otherLists === 0 && facts.gate) taken.push({ kind: 'remove-folder', path: parent(places.gate) })
  const note = facts.isAccountOurs && (withAccount || facts.account === 'missing')
  if (note && facts.account !== 'missing') taken.push({ kind: 'remove-account', user })
  if (note) taken.push({ kind: 'remove', path: paths.account })
  const isFolderLeft = facts.isAccountOurs && !note
  if (taken.length > 0 && facts.otherLists === 0 && !isFolderLeft) taken.push({ kind: 'remove-folder', path: places.lists })
  return taken
}

function parent(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

function notPrivileged({ ranAs }: Facts, { host, places }: Wanted): ShellError {
  return new ShellError(`On ${host} that ran as ${ranAs}, and needs the rights of ${places.owner}: see --as.`, exitCode.refused)
}

/** Two fleets may name a host alike. */
function refuseForeign({ list }: Facts, { host, paths, listText }: Wanted): void {
  const fleetOf = (text: string) => /^# What the watch of the fleet (\S+) may/m.exec(text)?.[1]
  const theirs = list && fleetOf(list.text)
  if (theirs !== undefined && theirs !== fleetOf(listText)) {
    throw new ShellError(`${paths.list} on ${host} was written for the fleet ${theirs}: nothing was touched.`, exitCode.refused)
  }
}
