import { existsSync } from 'node:fs'
import { openLedger } from '../adapters/ledger/sqlite.ts'
import { type AuditEntry, type AuditHead, sayAsked } from '../domain/audit.ts'
import { parseDuration } from '../domain/duration.ts'
import { table } from '../operations/table.ts'
import { LedgerError } from '../ports/ledger.ts'
import { ledgerFile, readLedger } from './ledger-file.ts'
import { exitCode, readConfig, type Shell, ShellError } from './shell.ts'

export interface AuditOptions {
  config?: string
  json?: boolean
  verify?: boolean
  /** "30d". */
  since?: string
  /** "120:ab12…", as the log has it. */
  head?: string
}

const mostEntries = 10_000

/**
 * `towerwatch audit`: reads the ledger, whether or not a watch runs. With `verify` or `head` it checks the chain; exit 1 where
 * that is broken.
 *
 * @param about an agent's or host's id, or the number of an operation
 */
export async function auditCommand(shell: Shell, about: string | undefined, options: AuditOptions): Promise<number> {
  const path = ledgerFile(readConfig(shell, options.config, 'left-out'))
  if (!existsSync(path)) throw new ShellError(`There is no ledger yet (${path}): "towerwatch run" begins one.`, exitCode.failed)
  if (options.verify === true || options.head !== undefined) return verify(shell, path, options)
  return list(shell, path, about, options)
}

async function verify(shell: Shell, path: string, options: AuditOptions): Promise<number> {
  const noted = options.head === undefined ? undefined : parseHead(options.head)
  try {
    const ledger = openLedger(path, 'read')
    try {
      const verdict = await ledger.verifyAudit(noted)
      if (options.json) shell.out(JSON.stringify(verdict))
      else if (verdict.kind === 'broken') shell.err(`The audit is broken at entry ${verdict.seq}: ${verdict.why}.`)
      else if (verdict.kind === 'forgotten')
        shell.err(`Entries up to ${verdict.from.seq} are forgotten by now, and that head is of one of them: give a newer one.`)
      else {
        const { entries, from, head } = verdict
        const forgotten = from.seq === 0 ? '' : ` Entries up to ${from.seq} are forgotten by now.`
        shell.out(`The audit is whole: ${entries} ${entries === 1 ? 'entry' : 'entries'}.${forgotten}`)
        shell.out(`Its head is ${head.seq}:${head.hash}`)
        if (!noted) shell.out('That its end was not cut off shows --head with a head that the log has, or that you noted before.')
      }
      return verdict.kind === 'whole' ? exitCode.ok : exitCode.failed
    } finally {
      await ledger.close()
    }
  } catch (error) {
    if (error instanceof LedgerError) throw new ShellError(error.message, exitCode.failed)
    throw error
  }
}

function parseHead(text: string): AuditHead {
  const [, seq, hash = ''] = /^([0-9]{1,15}):([0-9a-f]{64})$/.exec(text.trim()) ?? []
  if (seq === undefined) throw new ShellError('--head is no head: write it as the log has it, NUMBER:HASH.', exitCode.wrongInput)
  return { seq: Number(seq), hash }
}

function list(shell: Shell, path: string, about: string | undefined, options: AuditOptions): number {
  const withinMs = options.since === undefined ? undefined : parseDuration(options.since)
  if (options.since !== undefined && withinMs === undefined)
    throw new ShellError(`--since ${options.since} is no time: write 30d, 12h or 90m.`, exitCode.wrongInput)
  const number = /^#?([0-9]{1,12})$/.exec(about ?? '')?.[1]
  const entries = readLedger(path, (ledger, nowMs) =>
    ledger.audit({
      limit: mostEntries,
      ...(number !== undefined && { number: Number(number) }),
      ...(about !== undefined && number === undefined && { subject: about.toLowerCase() }),
      ...(withinMs !== undefined && { sinceMs: nowMs - withinMs }),
    }),
  )
  const found = entries ?? []
  if (options.json) for (const entry of found) shell.out(JSON.stringify(entry))
  else if (found.length === 0) shell.out('Nothing of that is in the audit.')
  else for (const line of table(['entry', 'at', 'number', 'who', 'result', 'what'], found.map(cells))) shell.out(line)
  return exitCode.ok
}

function cells(entry: AuditEntry): string[] {
  const { seq, atMs, number, actor, event, isDryRun } = entry
  return [String(seq), new Date(atMs).toISOString(), String(number), actor.name, isDryRun ? `${event} (dry)` : event, sayAsked(entry)]
}
