/** Looking at processes of this machine, as /proc shows them. Linux only, as the real tests are. */
import { readdirSync, readFileSync } from 'node:fs'

export interface ProcessView {
  pid: number
  name: string
  parent: number
}

/** Undefined when there is no such process, or only its zombie. */
function processView(pid: number): ProcessView | undefined {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return undefined
    throw error
  }
  const [state, parent] = text.slice(text.lastIndexOf(')') + 2).split(' ')
  if (state === 'Z' || state === 'X') return undefined
  return { pid, name: text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')), parent: Number(parent) }
}

export function isAlive(pid: number): boolean {
  return processView(pid) !== undefined
}

/** Its children, their children and so on, as far as `goInto` allows. */
export function descendants(pid: number, goInto: (process: ProcessView) => boolean = () => true): ProcessView[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => processView(Number(name)) ?? [])
  const below = (parent: number): ProcessView[] =>
    all.filter((process) => process.parent === parent && goInto(process)).flatMap((process) => [process, ...below(process.pid)])
  return below(pid)
}

/**
 * Takes a host away: its sshd and all that this has started for connections. The sshd is stopped first, for the kernel lists the
 * children of a running process without promising that it lists them all.
 */
export function killSshd(pid: number): void {
  process.kill(pid, 'SIGSTOP')
  for (const each of [...descendants(pid, ({ name }) => name.startsWith('sshd')), { pid }]) killHard(each.pid)
}

/** SIGKILL for a process that the test started; nothing where it is gone already. */
export function killHard(pid: number): void {
  if (!isAlive(pid)) return
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
