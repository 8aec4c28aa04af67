/** towerwatch backup, restore and export, as a user runs them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startControlServer } from '../../src/adapters/control/server.ts'
import { openLedger } from '../../src/adapters/ledger/sqlite.ts'
import type { LedgerFact } from '../../src/ports/ledger.ts'
import { compileCache } from '../support/compile-cache.ts'
import { ada, alert, incident, muteOf, operation, transition } from '../support/ledger-facts.ts'

const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))
const hourMs = 3_600_000

let folder: string
let ledgerFile: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tw-ledger-cli-'))
  ledgerFile = join(folder, 'state', 'ledger.sqlite')
  const fleet = `version: 1
fleet: test
state: state
hosts: { local: { kind: local } }
agents:
  timmy:
    host: local
    heartbeat: { file: ${folder}/beat, format: mtime }
    period: 5s
    grace: 5s
    policy: off
    restart: { kind: command, start: [/bin/true] }
`
  writeFileSync(join(folder, 'fleet.yaml'), fleet)
})
afterEach(() => rmSync(folder, { recursive: true }))

async function run(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [cli, ...args], { cwd: folder, env: { PATH: process.env['PATH'], HOME: folder, ...compileCache } })
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    said.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    said.err += chunk
  })
  const [code] = await once(child, 'close')
  return { code, ...said }
}

async function fill(facts: LedgerFact[]): Promise<void> {
  const ledger = openLedger(ledgerFile)
  await ledger.write(facts)
  await ledger.close()
}

describe('towerwatch backup and restore', () => {
  it('bring back what was, and keep what is replaced', async () => {
    await fill([alert('a')])
    expect(await run('backup', 'copy.sqlite')).toEqual({
      code: 0,
      out: expect.stringMatching(/^The ledger is copied to .*\/copy\.sqlite \(\d+ KiB\), and the copy was checked\.\n$/),
      err: '',
    })
    await fill([alert('b')])
    const restored = await run('restore', 'copy.sqlite')
    expect(restored).toEqual({
      code: 0,
      out: expect.stringMatching(/^The ledger is restored from copy\.sqlite\.\nThe one that was there is kept: .*replaced-.*Z\n$/),
      err: '',
    })
    expect(statSync(ledgerFile).mode & 0o777).toBe(0o600)
    const ledger = openLedger(ledgerFile)
    expect(ledger.untold('tower', 9)).toHaveLength(1)
    await ledger.close()
    expect(readdirSync(join(folder, 'state')).filter((name) => name.includes('.sock'))).toEqual([])
  })

  it('work as they should while a watch runs: the one copies, the other refuses', async () => {
    await fill([alert('a')])
    const watch = await startControlServer(join(folder, 'state', 'towerwatch.sock'), async () => ({ status: 'ok', lines: [] }))
    try {
      expect((await run('backup', 'copy.sqlite')).code).toBe(0)
      expect(await run('restore', 'copy.sqlite')).toEqual({
        code: 4,
        out: '',
        err: expect.stringMatching(/^Stop the watch first, the ledger is in use: another watch is running already/),
      })
    } finally {
      await watch.stop()
    }
  })

  it('say what is wrong', async () => {
    expect(await run('backup', 'copy.sqlite')).toEqual({ code: 1, out: '', err: expect.stringContaining('The ledger could not be copied') })
    writeFileSync(join(folder, 'other'), 'no backup')
    expect(await run('restore', 'other')).toEqual({ code: 1, out: '', err: expect.stringContaining('The ledger could not be restored') })
    expect(existsSync(ledgerFile)).toBe(false)
    expect((await run('restore')).code).toBe(2)
  })
})

describe('towerwatch export', () => {
  const nowMs = Date.now()
  const facts = [
    transition('new', 'up', nowMs - 50 * hourMs),
    transition('up', 'down', nowMs - 2 * hourMs),
    incident(1, { openedMs: nowMs - 2 * hourMs, closedMs: nowMs - hourMs, cause: '=cmd|"/c calc"!A1', detail: 'a, b' }),
    alert('a', nowMs - 2 * hourMs),
    operation(1, { requestedMs: nowMs - hourMs, status: 'ok', lines: ['one', 'two'] }),
    { kind: 'mute', mute: { ...muteOf(1, nowMs - hourMs, nowMs + hourMs), by: ada } } as const,
  ]

  it('writes every fact as a line of JSON', async () => {
    await fill(facts)
    const { code, out, err } = await run('export')
    expect([code, err]).toEqual([0, ''])
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.filter(({ kind }) => kind !== 'audit')).toEqual(facts)
    expect(lines.filter(({ kind }) => kind === 'audit')).toHaveLength(1)
    const recent = await run('export', '--since', '24h', '--what', 'transitions')
    expect(
      recent.out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([facts[1]])
  })

  it('writes tables for a spreadsheet', async () => {
    await fill(facts)
    const at = (hours: number) => new Date(nowMs + hours * hourMs).toISOString()
    const [transitions, incidents, operations, mutes, alerts] = await Promise.all(
      ['transitions', 'incidents', 'operations', 'mutes', 'alerts'].map(
        async (what) => (await run('export', '--format', 'csv', '--what', what)).out,
      ),
    )
    expect(transitions).toBe(
      `subject_kind,subject,from,to,at,noticed_at,cause,last_beat_at\r\nagent,timmy,new,up,${at(-50)},${at(-50)},,\r\nagent,timmy,up,down,${at(-2)},${at(-2)},,\r\n`,
    )
    expect(incidents?.split('\r\n')[1]).toBe(
      `1,agent,timmy,"'=cmd|""/c calc""!A1","a, b",${at(-2)},1970-01-01T00:00:00.001Z,${at(-1)},3600,,,,`,
    )
    expect(operations).toContain(`1,restart,"{""agent"":""timmy""}",shell,ada,shell,${at(-1)},ok,,"one\ntwo"\r\n`)
    expect(mutes).toContain(`1,silence,agent,timmy,${at(-1)},${at(1)},moving it,ada\r\n`)
    expect(alerts).toContain(`a,problem,timmy,1,${at(-2)},alert a,\r\n`)
    for (const table of [transitions, incidents, operations, mutes, alerts]) {
      const [head = '', first = ''] = table?.split('\r\n') ?? []
      if (!first.includes('"')) expect(first.split(',')).toHaveLength(head.split(',').length)
    }
  })

  it('says what is wrong', async () => {
    expect(await run('export')).toEqual({ code: 1, out: '', err: expect.stringContaining('There is no ledger yet') })
    expect(await run('export', '--format', 'csv')).toEqual({ code: 2, out: '', err: expect.stringContaining('name it with --what') })
    expect(await run('export', '--since', 'yesterday')).toEqual({ code: 2, out: '', err: expect.stringContaining('write 30d, 12h or 90m') })
    expect((await run('export', '--what', 'everything')).code).toBe(2)
  })
})

describe('towerwatch audit', () => {
  const verified = async (...args: string[]) => run('audit', '--verify', ...args)

  it('lists who asked for what, newest first, and one thing alone', async () => {
    await fill([
      operation(1),
      operation(1, { status: 'ok', lines: ['back'], endedMs: hourMs }),
      operation(2, { arguments: { agent: 'ezra', dryRun: 'yes' } }),
    ])
    const { code, out } = await run('audit')
    expect([code, out.split('\n').map((line) => line.split(/ {2,}/).slice(2).join(' '))]).toEqual([
      0,
      ['number who result what', '2 ada begun (dry) restart ezra', '1 ada ok restart timmy', '1 ada begun restart timmy', ''],
    ])
    expect((await run('audit', 'ezra')).out.split('\n')).toHaveLength(3)
    const one = (await run('audit', '1', '--json')).out.trimEnd().split('\n')
    expect(one.map((line) => JSON.parse(line))).toMatchObject([
      { seq: 2, event: 'ok', lines: ['back'] },
      { seq: 1, event: 'begun' },
    ])
    expect(await run('audit', 'gandalf')).toEqual({ code: 0, out: 'Nothing of that is in the audit.\n', err: '' })
    expect(await run('audit', '--since', 'soon')).toMatchObject({ code: 2, err: expect.stringContaining('--since soon is no time') })
  })

  it('finds the chain whole, prints its head, and takes one to compare with', async () => {
    await fill([operation(1), operation(2)])
    const { code, out } = await verified()
    expect([code, out.split('\n')[0]]).toEqual([0, 'The audit is whole: 2 entries.'])
    const head = /Its head is (2:[0-9a-f]{64})/.exec(out)?.[1] ?? ''
    await fill([operation(3)])
    expect(await run('audit', '--head', head, '--json')).toMatchObject({ code: 0, out: expect.stringContaining('"kind":"whole"') })
    expect(await run('audit', '--head', head.replace(/^2/, '9'))).toEqual({
      code: 1,
      out: '',
      // Opening it in between has ended what was begun.
      err: expect.stringMatching(/^The audit is broken at entry \d: it ends there, but entry 9 was noted\.\n$/),
    })
    expect(await run('audit', '--head', 'deadbeef')).toMatchObject({ code: 2, err: expect.stringContaining('--head is no head') })
  })

  it('does not call a chain whole by a head that is older than all of it', async () => {
    await fill([operation(1), operation(2)])
    const head = /Its head is (2:[0-9a-f]{64})/.exec((await verified()).out)?.[1] ?? ''
    const db = new DatabaseSync(ledgerFile)
    db.exec("DELETE FROM audit; INSERT INTO audit_anchor VALUES (1, 5, 'ff')")
    db.close()
    expect(await run('audit', '--head', head)).toEqual({
      code: 1,
      out: '',
      err: 'Entries up to 5 are forgotten by now, and that head is of one of them: give a newer one.\n',
    })
  })

  it('names the first bad entry of a chain that somebody changed, with exit code 1', async () => {
    await fill([operation(1), operation(2), operation(3)])
    const db = new DatabaseSync(ledgerFile)
    db.exec("UPDATE audit SET entry = replace(entry, 'ada', 'eve') WHERE seq = 2")
    db.close()
    expect(await verified()).toEqual({ code: 1, out: '', err: 'The audit is broken at entry 2: it is not what was written.\n' })
    expect(await verified('--json')).toMatchObject({ code: 1, out: expect.stringContaining('"seq":2') })
  })

  it('is in the export, link by link, and says so where there is no ledger yet', async () => {
    expect(await verified()).toMatchObject({ code: 1, err: expect.stringContaining('There is no ledger yet') })
    await fill([operation(1)])
    const link = JSON.parse((await run('export', '--what', 'audit')).out.split('\n')[0] ?? '')
    expect(link).toMatchObject({ kind: 'audit', link: { seq: 1, prev: '0'.repeat(64), hash: expect.stringMatching(/^[0-9a-f]{64}$/) } })
    expect((await run('export', '--what', 'audit', '--format', 'csv')).out).toMatch(/^seq,entry,prev,hash\r?\n1,/)
  })
})
