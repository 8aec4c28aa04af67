import { existsSync, mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { AlreadyRunningError, startControlServer } from '../adapters/control/server.ts'
import { socketPath } from '../adapters/control/socket-path.ts'
import { backUp, restore } from '../adapters/ledger/backup.ts'
import { LedgerError } from '../ports/ledger.ts'
import { ledgerFile } from './ledger-file.ts'
import { exitCode, readConfig, type Shell, ShellError } from './shell.ts'

/** `towerwatch backup FILE`: while the watch runs, or while it doesn't. */
export async function backupLedger(shell: Shell, file: string, options: { config?: string }): Promise<number> {
  const target = resolve(shell.cwd, file)
  const { bytes } = await orShellError(backUp(ledgerFile(readConfig(shell, options.config)), target))
  shell.out(`The ledger is copied to ${target} (${Math.ceil(bytes / 1024)} KiB), and the copy was checked.`)
  return exitCode.ok
}

/** `towerwatch restore FILE`: only while no watch runs. The ledger that was there is kept beside the new one. */
export async function restoreLedger(shell: Shell, file: string, options: { config?: string }): Promise<number> {
  const config = readConfig(shell, options.config)
  const source = resolve(shell.cwd, file)
  if (!existsSync(source))
    throw new ShellError(`${source}: there is no such file. "towerwatch backup FILE" writes one.`, exitCode.wrongInput)
  mkdirSync(config.stateDir, { recursive: true, mode: 0o700 })
  // Whoever holds the socket is the one who may touch the ledger: none can start meanwhile either.
  const lock = await startControlServer(socketPath(config.stateDir), async () => ({
    status: 'refused',
    lines: ['The ledger is just being restored: ask again when the watch is running.'],
  })).catch((error: unknown) => {
    if (!(error instanceof AlreadyRunningError)) throw error
    throw new ShellError(`Stop the watch first, the ledger is in use: ${error.message}`, exitCode.refused)
  })
  try {
    const path = ledgerFile(config)
    const { replaced } = await orShellError(restore(path, source, new Date()))
    shell.out(`The ledger is restored from ${file}.`)
    if (replaced !== undefined) shell.out(`The one that was there is kept: ${replaced}`)
    return exitCode.ok
  } finally {
    await lock.stop()
  }
}

async function orShellError<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof LedgerError) throw new ShellError(error.message, exitCode.failed)
    throw error
  }
}
