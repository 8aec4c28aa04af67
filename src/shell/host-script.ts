/**
 * The two shell texts that prepare a host, run there with rights of root: one that only looks, and one that does what is to
 * be done and says each thing before. A dry run prints the second as it is. Pure.
 */
import type { Places, Wanted } from './host-wanted.ts'
import { exitCode, ShellError } from './shell.ts'

/** One thing to be done on the host. Plain data. */
export type HostStep =
  | { kind: 'account'; user: string }
  | { kind: 'remove-account'; user: string }
  /** `group`: of the account `user`. `check`: a sudoers file is put in place only when visudo finds it right. */
  | { kind: 'write'; path: string; mode: string; group?: string; text: string; check?: 'visudo' }
  | { kind: 'remove'; path: string }
  /** Left alone while anything is in it. */
  | { kind: 'remove-folder'; path: string }
  /** The account's authorized_keys; of no text at all it is removed. */
  | { kind: 'keys'; user: string; text: string }

/** A file on the host; `mode` as ls shows it. */
export interface SeenFile {
  mode: string
  owner: string
  text: string
}

/** What the look found. */
export interface Facts {
  /** Whom the script ran as. */
  ranAs: string
  account: 'missing' | { home: string }
  canMakeAccount: boolean
  hasVisudo: boolean
  gate: SeenFile | undefined
  list: SeenFile | undefined
  sudoers: SeenFile | undefined
  keys: SeenFile | undefined
  /** The account was made by an installation. */
  isAccountOurs: boolean
  /** Allow-lists of other hosts of a fleet.yaml on this machine: they use the same gate. */
  otherLists: number
}

const mark = 'towerwatch-host'
/** No file of an installation is that long. */
const maxFileBytes = 1_048_576

/** For a word of a shell text. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** Prints a line `towerwatch-host NAME VALUE…` for each fact; changes nothing. */
export function lookScript({ user, places, paths }: Wanted): string {
  const file = (name: string, path: string) => `file ${name} ${quoted(path)}\n`
  return `set -uf
LC_ALL=C
export LC_ALL
fact() { printf '\\n${mark} %s\\n' "$*"; }
shown() { head -c ${maxFileBytes} | od -An -v -tx1 | tr -d ' \\n'; }
file() {
  seen=$(ls -ld -- "$2" 2>/dev/null) || { fact "$1" missing; return; }
  set -- "$1" "$2" $seen
  case $3 in -*) fact "$1" "$3" "$5" "$(shown <"$2")" ;; *) fact "$1" "$3" "$5" odd ;; esac
}
main() {
cd /
fact ran-as "$(id -un)"
if id -u ${user} >/dev/null 2>&1; then
  fact account "$(${places.asAccount(user)} 'printf %s "$HOME"' | shown)"
  ${places.asAccount(user)} ${quoted(asAccountLook())} | while IFS= read -r line; do fact keys "$line"; done
else
  fact account missing
fi
if command -v useradd >/dev/null || command -v adduser >/dev/null; then fact can-make-account yes; fi
if command -v visudo >/dev/null && command -v sudo >/dev/null; then fact has-visudo yes; fi
${file('gate', places.gate)}${file('list', paths.list)}${file('sudoers', paths.sudoers)}${file('account-note', paths.account)}fact other-lists "$(ls -- ${quoted(places.lists)} 2>/dev/null | grep '\\.allow$' | grep -cvxF -- ${quoted(paths.list.slice(places.lists.length + 1))})"
fact end
}
main </dev/null
`
}

/** One line: as for the other files. It runs as the account, and reads nothing else than that. */
function asAccountLook(): string {
  return `cd "$HOME" || exit
set -- $(ls -ld .ssh/authorized_keys 2>/dev/null)
case $# in 0) echo missing; exit ;; esac
case $1 in -*) printf '%s %s %s\\n' "$1" "$3" "$(head -c ${maxFileBytes} .ssh/authorized_keys | od -An -v -tx1 | tr -d ' \\n')" ;; *) printf '%s %s odd\\n' "$1" "$3" ;; esac`
}

/** Throws ShellError where it is not what `lookScript` prints; what start-up files say around it is passed over. */
export function readFacts(host: string, output: string): Facts {
  const facts = new Map<string, string[]>()
  for (const line of output.split('\n')) {
    const [first, name, ...values] = line.split(' ')
    if (first === mark && name !== undefined) facts.set(name, values)
  }
  if (!facts.has('end')) throw new ShellError(`What is there on ${host} could not be read to its end.`, exitCode.failed)
  const fileOf = (name: string): SeenFile | undefined => {
    const [mode = '', owner = '', hex = ''] = facts.get(name) ?? ['missing']
    if (mode === 'missing') return undefined
    if (!/^([0-9a-f]{2})*$/.test(hex))
      throw new ShellError(`The ${name} file on ${host} is no plain file: put it right by hand.`, exitCode.failed)
    return { mode: mode.slice(0, 10), owner, text: textOf(host, name, Buffer.from(hex, 'hex')) }
  }
  const account = facts.get('account')?.[0] ?? ''
  if (account === '') throw new ShellError(`The account of the agents on ${host} could not be looked into (su).`, exitCode.failed)
  return {
    ranAs: facts.get('ran-as')?.[0] ?? '',
    account: account === 'missing' ? 'missing' : { home: Buffer.from(account, 'hex').toString('utf8') },
    canMakeAccount: facts.has('can-make-account'),
    hasVisudo: facts.has('has-visudo'),
    gate: fileOf('gate'),
    list: fileOf('list'),
    sudoers: fileOf('sudoers'),
    keys: fileOf('keys'),
    isAccountOurs: fileOf('account-note') !== undefined,
    otherLists: Number(facts.get('other-lists')?.[0] ?? 0),
  }
}

/** What would not come back as it was is not touched. */
function textOf(host: string, name: string, bytes: Buffer): string {
  const text = bytes.toString('utf8')
  if (bytes.length >= maxFileBytes || !Buffer.from(text).equals(bytes)) {
    throw new ShellError(`The ${name} file on ${host} is longer than 1 MiB, or is no text in UTF-8: put it right by hand.`, exitCode.failed)
  }
  return text
}

/** Nothing of it runs before its last line, so that half of it does nothing. */
export function doScript(steps: readonly HostStep[], places: Places): string {
  return `set -euf
umask 022
say() { printf '\\n${mark} %s\\n' "$*"; }
main() {
cd /
${steps.map((step) => `say ${quoted(sayStep(step))}\n${shellOf(step, places)}`).join('')}say done
}
main </dev/null
`
}

/** Of a line that the host printed while it worked: what it was about to do; undefined for what start-up files say. */
export function saidStep(line: string): string | undefined {
  return line.startsWith(`${mark} `) ? line.slice(mark.length + 1) : undefined
}

function sayStep(step: HostStep): string {
  switch (step.kind) {
    case 'account':
      return `making the account ${step.user}, with /bin/sh and the password * (none fits, keys do)`
    case 'remove-account':
      return `removing the account ${step.user}; its home stays`
    case 'write':
      return `writing ${step.path}`
    case 'remove':
    case 'remove-folder':
      return `removing ${step.path}`
    case 'keys':
      return step.text === '' ? `removing authorized_keys of ${step.user}` : `writing authorized_keys of ${step.user}`
  }
}

function shellOf(step: HostStep, places: Places): string {
  switch (step.kind) {
    case 'account':
      return `if command -v useradd >/dev/null; then useradd --create-home --shell /bin/sh --password '*' ${step.user}
else adduser -D -s /bin/sh ${step.user} && echo ${quoted(`${step.user}:*`)} | chpasswd -e; fi
`
    case 'remove-account':
      return `if command -v userdel >/dev/null; then userdel ${step.user}; else deluser ${step.user}; fi
`
    case 'write': {
      const path = quoted(step.path)
      const fresh = quoted(`${step.path}.towerwatch-new`)
      const owner = `${places.owner}${step.group === undefined ? '' : `:"$(id -gn ${step.group})"`}`
      return `mkdir -p ${quoted(step.path.slice(0, step.path.lastIndexOf('/')))}
${hereDocument(`cat >${fresh}`, step.text)}chown ${owner} ${fresh}
chmod ${step.mode} ${fresh}
${step.check === 'visudo' ? `visudo -c -q -f ${fresh} || { rm -f ${fresh}; exit 1; }\n` : ''}mv -f ${fresh} ${path}
`
    }
    case 'remove':
      return `rm -f ${quoted(step.path)}
`
    case 'remove-folder':
      return `rmdir ${quoted(step.path)} 2>/dev/null || say ${quoted(`${step.path} is not empty: it stays`)}
`
    case 'keys': {
      const asAccount = places.asAccount(step.user)
      if (step.text === '') return `${asAccount} 'cd "$HOME" && rm -f .ssh/authorized_keys && { rmdir .ssh 2>/dev/null || :; }'\n`
      const put = `umask 077 && cd "$HOME" && mkdir -p .ssh && cat >.ssh/authorized_keys.towerwatch-new && mv -f .ssh/authorized_keys.towerwatch-new .ssh/authorized_keys`
      return hereDocument(`${asAccount} ${quoted(put)}`, step.text)
    }
  }
}

/** The text is taken as it is. A line of it that is the mark of its end gets another mark. */
function hereDocument(command: string, text: string): string {
  const ended = text.endsWith('\n') ? text : `${text}\n`
  let end = 'END-OF-FILE'
  while (ended.split('\n').includes(end)) end += '-'
  return `${command} <<'${end}'\n${ended}${end}\n`
}
