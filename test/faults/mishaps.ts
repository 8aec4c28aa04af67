/** What can be wrong with the disk below a ledger, done to a running daemon by the system's own means. */
import { execFile, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { programPath } from '../support/programs.ts'
import { until } from '../support/until.ts'

const run = promisify(execFile)

export interface SmallDisk {
  /** What it is, for whoever reads how a test went. */
  readonly kind: string
  /** A folder on it. */
  readonly folder: string
  /** From now on no file of this process gets any more room, and what it has is given back first: `ledger` is folded. */
  fill(pid: number, ledger: string): Promise<void>
  /** There is room again. */
  free(pid: number): Promise<void>
  close(): Promise<void>
}

/** A file system of 4 MiB where one may be mounted (by root); else a bound on the size of each file that the process writes. */
export async function smallDisk(): Promise<SmallDisk> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'tw-disk-')))
  const isMounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=700', 'tmpfs', folder]).then(
    () => true,
    () => false,
  )
  return isMounted ? mountedDisk(folder) : boundedFiles(folder)
}

function mountedDisk(folder: string): SmallDisk {
  const ballast = join(folder, 'ballast')
  let file: number | undefined
  let filling: NodeJS.Timeout | undefined

  function fillUp(): void {
    try {
      for (;;) writeSync(file ?? -1, Buffer.alloc(4_096))
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
    }
  }
  function stopFilling(): void {
    clearInterval(filling)
    if (file !== undefined) closeSync(file)
    file = undefined
  }

  return {
    kind: 'a tmpfs of 4 MiB',
    folder,
    fill: async (_, ledger) => {
      file = openSync(ballast, 'a')
      // In one breath: a log that has room of its own takes small beats for a long time yet.
      await until(
        () => {
          fold(ledger)
          fillUp()
          return statSync(`${ledger}-wal`).size === 0
        },
        { withinMs: 20_000, what: 'the log of the ledger to be without room' },
      )
      // What the ledger gives back is taken, too: whatever fills the disk of a user doesn't stop by itself.
      filling = setInterval(fillUp, 5)
    },
    free: async () => {
      stopFilling()
      rmSync(ballast)
    },
    close: async () => {
      stopFilling()
      // Whoever was killed on it may still be about to end.
      await until(() => run('umount', [folder]).then(() => true), { withinMs: 20_000, what: 'the small disk to be given back' })
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function fold(ledger: string): void {
  const db = new DatabaseSync(ledger, { timeout: 5_000 })
  try {
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  } finally {
    db.close()
  }
}

/** Every file of the process may be of one page at most: for SQLite a failure to write like that of a full disk. */
function boundedFiles(folder: string): SmallDisk {
  return {
    kind: 'a bound on the size of files, because no file system may be mounted here',
    folder,
    fill: (pid) => bound(pid, '4096'),
    free: (pid) => bound(pid, 'unlimited'),
    close: async () => rmSync(folder, { recursive: true, force: true }),
  }
}

async function bound(pid: number, bytes: string): Promise<void> {
  await run('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`])
}

export interface Spell {
  /** What was done, for whoever reads how a test went. */
  readonly kind: string
  /** Calls that were tampered with so far, where they are counted. */
  count(): number | undefined
  /** The process goes on untouched. */
  lift(): Promise<void>
}

/** From now on the process can't write these files: EROFS; where nobody may be traced, no file may be written at all. */
export async function readOnly(pid: number, files: readonly string[]): Promise<Spell> {
  try {
    return await tamper(pid, 'pwrite64:error=EROFS', files)
  } catch (error) {
    await bound(pid, '0')
    const why = error instanceof Error ? error.message : String(error)
    return { kind: `no file may have any length (${why})`, count: () => undefined, lift: () => bound(pid, 'unlimited') }
  }
}

/**
 * Tampers with system calls of a running process, all its threads: `what` is strace's word, such as
 * `fdatasync:delay_enter=1000000`; `files`: only calls on these.
 */
export async function tamper(pid: number, what: string, files: readonly string[] = []): Promise<Spell> {
  const folder = mkdtempSync(join(tmpdir(), 'tw-spell-'))
  const output = join(folder, 'calls')
  const only = files.flatMap((file) => ['-P', file])
  const args = ['-f', '-o', output, ...only, '-e', `trace=${what.split(':')[0]}`, '-e', `inject=${what}`, '-p', String(pid)]
  const tracer = spawn(programPath('strace'), args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  tracer.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  const ended = new Promise<void>((resolve) => tracer.once('close', () => resolve()))
  const refused = ended.then(() => {
    rmSync(folder, { recursive: true, force: true })
    throw new Error(`These tests need strace, and that it may trace the processes of its own user. ${said.trim()}`)
  })
  const attached = until(() => said.includes('attached'), { withinMs: 20_000, what: () => `strace to be attached: ${said}` })
  await Promise.race([attached, refused])
  refused.catch(() => {})
  return {
    kind: what,
    count: () => (existsSync(output) ? (readFileSync(output, 'utf8').match(/\((INJECTED|DELAYED)/g)?.length ?? 0) : 0),
    lift: async () => {
      tracer.kill('SIGTERM')
      await ended
    },
  }
}
