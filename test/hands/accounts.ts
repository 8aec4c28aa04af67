/**
 * Accounts of this machine for the hosts of a test. Root makes real ones; whoever else runs the test has them all as himself,
 * with a home each. They are removed again however the test ends: by a process of their own that outlives it, and should
 * that die, too, by the next run.
 */
import { execFile, spawn } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, readFile, realpath } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { processesOf, startOf } from './process-start.ts'

const run = promisify(execFile)

export interface Account {
  name: string
  uid: number
  gid: number
  home: string
  /** No other account has its processes. */
  isItsOwn: boolean
}

export interface Place {
  /** Of the test's own, open to all its accounts. */
  folder: string
  account(label: string): Promise<Account>
  /** This process is ended when the test is over. */
  ends(pid: number): void
  /** Ends all that was begun and removes it. */
  clear(): Promise<void>
}

const mark = 'towerwatch test'

export async function openPlace(): Promise<Place> {
  const me = userInfo()
  if (me.uid === 0) await clearLeftovers()
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'tw-hands-')))
  await chmod(folder, 0o755)
  const undertaker = startUndertaker()
  undertaker.tell(`folder ${folder}`)
  let count = 0

  return {
    folder,
    account: async (label) => {
      const home = join(folder, label)
      await mkdir(home, { mode: 0o755 })
      if (me.uid !== 0) return { name: me.username, uid: me.uid, gid: me.gid, home, isItsOwn: false }
      const name = `twt${process.pid}x${count++}`
      // A locked password ("!") keeps keys out, too; "*" does not.
      const words = ['--no-create-home', '--home-dir', home, '--shell', '/bin/sh', '--password', '*', '--no-log-init']
      await run('useradd', [...words, '--comment', `${mark} ${process.pid} ${startOf(process.pid)}`, name])
      const [uid = 0, gid = 0] = await idsOf(name)
      undertaker.tell(`account ${name} ${uid}`)
      await chown(home, uid, gid)
      return { name, uid, gid, home, isItsOwn: true }
    },
    ends: (pid) => undertaker.tell(`process ${pid} ${startOf(pid)}`),
    clear: undertaker.done,
  }
}

function startUndertaker(): { tell(line: string): void; done(): Promise<void> } {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'undertaker-child.ts')], {
    stdio: ['pipe', 'ignore', 'pipe'],
    detached: true,
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  return {
    tell: (line) => void child.stdin.write(`${line}\n`),
    done: async () => {
      child.stdin.end()
      if ((await ended) !== 0) throw new Error(`Not everything of a test could be cleared away: ${said}`)
    },
  }
}

/** Accounts whose test is dead, and whose undertaker did not live to remove them. */
async function clearLeftovers(): Promise<void> {
  const undertaker = startUndertaker()
  for (const [name = '', , uid, , gecos = ''] of await passwd()) {
    const [pid, start] =
      gecos
        .split(',')[0]
        ?.slice(mark.length + 1)
        .split(' ') ?? []
    if (gecos.startsWith(mark) && /^twt\d/.test(name) && startOf(Number(pid)) !== start) undertaker.tell(`account ${name} ${uid}`)
  }
  await undertaker.done()
}

async function idsOf(name: string): Promise<number[]> {
  const found = (await passwd()).find((words) => words[0] === name)
  if (!found) throw new Error(`useradd made no account ${name}`)
  const ids = found.slice(2, 4).map(Number)
  if (processesOf(ids[0] ?? 0).length > 0) throw new Error(`the fresh uid ${ids[0]} has processes already`)
  return ids
}

async function passwd(): Promise<string[][]> {
  return (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
}
