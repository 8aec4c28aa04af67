import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openLedger } from '../../../src/adapters/ledger/sqlite.ts'
import { newAgent } from '../../../src/domain/agent.ts'
import { newHost } from '../../../src/domain/host.ts'
import { type AlertRecord, type Decision, type Ledger, LedgerError } from '../../../src/ports/ledger.ts'

let folder: string
let file: string
let open: Ledger[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tw-ledger-'))
  file = join(folder, 'var', 'ledger.sqlite')
  open = []
})
afterEach(() => {
  for (const ledger of open) ledger.close()
  rmSync(folder, { recursive: true, force: true })
})

function opened(access: 'write' | 'read' = 'write'): Ledger {
  const ledger = openLedger(file, access)
  open.push(ledger)
  return ledger
}

const timmy = { kind: 'agent', id: 'timmy' } as const
const alert = (id: string, at = 0): AlertRecord => ({ id, kind: 'problem', subject: 'agent', subjectId: 'timmy', at, text: `alert ${id}` })
const decision = (more: Partial<Decision> = {}): Decision => ({ subject: timmy, record: newAgent(0), transitions: [], ...more })
const step = (from: string, to: string, atMs: number) => ({ from, to, atMs, noticedMs: atMs })
const operation = (more = {}) => ({
  operation: 'restart',
  arguments: { agent: 'timmy' },
  actor: { kind: 'shell' as const, id: '1000', name: 'ada' },
  via: 'shell',
  requestedMs: 5,
  ...more,
})

describe('what was recorded', () => {
  it('is remembered when the ledger is opened again', () => {
    const ledger = opened()
    const record = { facts: { lastBeat: { atMs: 3.5, epoch: 'a' } }, status: { state: 'up' as const, sinceMs: 3.5 } }
    ledger.record(decision({ record }))
    ledger.record({ subject: { kind: 'host', id: 'timmy' }, record: newHost(1), transitions: [] })
    ledger.alive(42.25)
    ledger.close()
    const remembered = opened().remembered()
    expect(remembered.agents).toEqual(new Map([['timmy', record]]))
    expect(remembered.hosts).toEqual(new Map([['timmy', newHost(1)]]))
    expect(remembered.aliveMs).toBe(42.25)
  })

  it('is nothing at first', () => {
    expect(opened().remembered()).toEqual({ agents: new Map(), hosts: new Map() })
  })

  it('is written as a whole or not at all', () => {
    const ledger = opened()
    ledger.record(decision({ transitions: [step('new', 'up', 1)] }))
    // The second step can't be stored, after the first one was.
    const impossible = { ...step('late', 'down', 3), noticedMs: Symbol('no number') as unknown }
    const record = { facts: {}, status: { state: 'down' as const, sinceMs: 3 } }
    const broken = {
      ...decision({ record, incident: { kind: 'open', cause: 'silent', atMs: 3 }, alert: alert('a') }),
      transitions: [step('up', 'late', 2), impossible],
    }
    expect(() => ledger.record(broken as Decision)).toThrow(LedgerError)
    expect(ledger.timeline('timmy', 0)).toEqual([{ atMs: 1, state: 'up' }])
    expect(ledger.remembered().agents.get('timmy')).toEqual(newAgent(0))
    expect(ledger.incidents({ limit: 9 })).toEqual([])
    expect(ledger.unacknowledged('tower', 9)).toEqual([])
    ledger.record(decision({ transitions: [step('up', 'down', 4)] }))
    expect(ledger.timeline('timmy', 0)).toHaveLength(2)
  })

  it('stays whole when its writer is killed with -9, five times', async () => {
    const child = fileURLToPath(new URL('writer-child.ts', import.meta.url))
    let last = 0
    for (let round = 0; round < 5; round++) {
      const writer = spawn(process.execPath, [child, file, String(last + 1)], { stdio: ['ignore', 'pipe', 'inherit'] })
      let said = ''
      await new Promise<void>((resolve) => {
        writer.stdout.on('data', (chunk) => {
          said += chunk
          if (said.split('\n').length > 10 + round * 7) resolve()
        })
      })
      writer.kill('SIGKILL')
      await once(writer, 'close')
      const acknowledged = Number(said.slice(0, said.lastIndexOf('\n')).split('\n').at(-1))
      expect(acknowledged).toBeGreaterThan(last)
      const ledger = openLedger(file)
      const states = ledger.timeline('timmy', 0)
      // Every one that was said to be written, at most one more, and nothing of a decision without the rest of it.
      expect(states.length).toBeGreaterThanOrEqual(acknowledged)
      expect(states.length).toBeLessThanOrEqual(acknowledged + 1)
      expect(states.map(({ atMs }) => atMs)).toEqual(states.map((_, index) => index + 1))
      expect(ledger.unacknowledged('tower', 100_000)).toHaveLength(states.length)
      expect(ledger.incidents({ limit: 100_000 })).toHaveLength(states.length)
      expect(ledger.remembered().agents.get('timmy')?.status.sinceMs).toBe(states.length)
      last = states.length
      ledger.close()
    }
  })
})

describe('incidents', () => {
  it('are numbered, opened and closed', () => {
    const ledger = opened()
    expect(ledger.record(decision({ incident: { kind: 'open', cause: 'silent', atMs: 10 } }))).toEqual({ incident: 1 })
    expect(
      ledger.record({ ...decision({ incident: { kind: 'open', cause: 'auth', atMs: 11 } }), subject: { kind: 'host', id: 'ezra' } }),
    ).toEqual({ incident: 2 })
    expect(ledger.record(decision({ incident: { kind: 'close', atMs: 20 } }))).toEqual({ incident: 1 })
    expect(ledger.record(decision({ incident: { kind: 'open', cause: 'pane-dead', atMs: 30 } }))).toEqual({ incident: 3 })
    expect(ledger.incidents({ limit: 9 })).toEqual([
      { number: 3, subject: timmy, cause: 'pane-dead', openedMs: 30 },
      { number: 2, subject: { kind: 'host', id: 'ezra' }, cause: 'auth', openedMs: 11 },
      { number: 1, subject: timmy, cause: 'silent', openedMs: 10, closedMs: 20 },
    ])
    expect(ledger.incidents({ subject: 'timmy', limit: 1 }).map(({ number }) => number)).toEqual([3])
  })

  it('never get the number of one that was forgotten', () => {
    const ledger = opened()
    ledger.record(decision({ incident: { kind: 'open', cause: 'silent', atMs: 1 } }))
    ledger.record(decision({ incident: { kind: 'close', atMs: 2 } }))
    ledger.upkeep(1_000)
    expect(ledger.incidents({ limit: 9 })).toEqual([])
    expect(ledger.record(decision({ incident: { kind: 'open', cause: 'silent', atMs: 1_001 } }))).toEqual({ incident: 2 })
  })

  it('that were never opened can be closed without harm, and none closes before it opened', () => {
    const ledger = opened()
    expect(ledger.record(decision({ incident: { kind: 'close', atMs: 2 } }))).toEqual({})
    ledger.record(decision({ incident: { kind: 'open', cause: 'silent', atMs: 10 } }))
    ledger.record(decision({ incident: { kind: 'close', atMs: 5 } }))
    expect(ledger.incidents({ limit: 9 })[0]).toMatchObject({ openedMs: 10, closedMs: 10 })
  })
})

describe('the outbox', () => {
  it('holds for each Tower what that one has not acknowledged, oldest first', () => {
    const ledger = opened()
    for (const id of ['b', 'a', 'c']) ledger.record(decision({ alert: alert(id) }))
    ledger.acknowledge('tower', 'a', 1)
    expect(ledger.unacknowledged('tower', 9).map(({ id }) => id)).toEqual(['b', 'c'])
    expect(ledger.unacknowledged('other', 9).map(({ id }) => id)).toEqual(['b', 'a', 'c'])
    expect(ledger.unacknowledged('other', 2).map(({ id }) => id)).toEqual(['b', 'a'])
    ledger.acknowledge('tower', 'a', 2)
    ledger.acknowledge('tower', 'never-heard-of', 2)
    expect(ledger.unacknowledged('tower', 9)).toHaveLength(2)
  })

  it('holds the sentence with the number of its incident', () => {
    const ledger = opened()
    ledger.record(decision({ incident: { kind: 'open', cause: 'silent', atMs: 10 }, alert: { ...alert('a', 10), host: 'local' } }))
    expect(ledger.unacknowledged('tower', 9)).toEqual([{ ...alert('a', 10), host: 'local', incident: 1 }])
  })

  it('takes an id once', () => {
    const ledger = opened()
    ledger.record(decision({ alert: alert('a') }))
    ledger.record(decision({ alert: { ...alert('a'), text: 'again' } }))
    expect(ledger.unacknowledged('tower', 9).map(({ text }) => text)).toEqual(['alert a'])
  })

  it('survives a restart', () => {
    opened().record(decision({ alert: alert('a') }))
    open.pop()?.close()
    expect(opened().unacknowledged('tower', 9)).toEqual([alert('a')])
  })
})

describe('the audit', () => {
  it('holds an operation from its beginning to its end', () => {
    const ledger = opened()
    const number = ledger.beginOperation(operation())
    expect(ledger.operations({ limit: 9 })).toEqual([{ ...operation(), number, status: 'begun', lines: [] }])
    ledger.endOperation(number, 'ok', ['it is back'], 9)
    expect(ledger.operations({ limit: 9 })).toEqual([{ ...operation(), number, status: 'ok', lines: ['it is back'], endedMs: 9 }])
  })

  it('calls interrupted what was begun when the watch ended', () => {
    const ledger = opened()
    const done = ledger.beginOperation(operation())
    ledger.endOperation(done, 'failed', [], 9)
    ledger.beginOperation(operation())
    ledger.close()
    expect(
      opened()
        .operations({ limit: 9 })
        .map(({ status }) => status),
    ).toEqual(['interrupted', 'failed'])
  })

  it('leaves alone what is begun when somebody only reads', () => {
    opened().beginOperation(operation())
    expect(opened('read').operations({ limit: 9 })[0]?.status).toBe('begun')
  })

  it('holds what was refused, with the reason', () => {
    const ledger = opened()
    ledger.refusedOperation(operation(), 'you may only look')
    expect(ledger.operations({ limit: 9 })).toMatchObject([{ status: 'refused', lines: ['you may only look'], endedMs: 5 }])
  })

  it('is found by operation, agent, kind of actor and time, newest first', () => {
    const ledger = opened()
    const watch = { kind: 'watch' as const, id: 'watch', name: 'the watch' }
    ledger.beginOperation(operation({ requestedMs: 1 }))
    ledger.beginOperation(operation({ requestedMs: 2, actor: watch }))
    ledger.beginOperation(operation({ requestedMs: 3, arguments: { agent: 'ezra' } }))
    ledger.beginOperation(operation({ requestedMs: 4, operation: 'failover' }))
    const times = (filter: Partial<Parameters<Ledger['operations']>[0]>) =>
      ledger.operations({ limit: 9, ...filter }).map(({ requestedMs }) => requestedMs)
    expect(times({})).toEqual([4, 3, 2, 1])
    expect(times({ limit: 2 })).toEqual([4, 3])
    expect(times({ operation: 'restart', agent: 'timmy' })).toEqual([2, 1])
    expect(times({ actorKind: 'watch' })).toEqual([2])
    expect(times({ sinceMs: 3 })).toEqual([4, 3])
  })
})

describe('the timeline', () => {
  it('begins with the state from before the window', () => {
    const ledger = opened()
    ledger.record(decision({ transitions: [step('new', 'up', 10), step('up', 'late', 20), step('late', 'down', 30)] }))
    ledger.record({ ...decision({ transitions: [step('new', 'up', 15)] }), subject: { kind: 'host', id: 'timmy' } })
    expect(ledger.timeline('timmy', 25)).toEqual([
      { atMs: 20, state: 'late' },
      { atMs: 30, state: 'down' },
    ])
    expect(ledger.timeline('timmy', 30)).toEqual([
      { atMs: 20, state: 'late' },
      { atMs: 30, state: 'down' },
    ])
    expect(ledger.timeline('timmy', 100)).toEqual([{ atMs: 30, state: 'down' }])
    expect(ledger.timeline('nobody', 0)).toEqual([])
  })

  it('keeps the order of two steps at the same moment', () => {
    const ledger = opened()
    ledger.record(decision({ transitions: [step('new', 'up', 10), step('up', 'unknown', 10), step('unknown', 'up', 10)] }))
    expect(ledger.timeline('timmy', 10).map(({ state }) => state)).toEqual(['up', 'unknown', 'up'])
    expect(ledger.timeline('timmy', 11).map(({ state }) => state)).toEqual(['up'])
  })
})

describe('activity', () => {
  it('is kept as spans, whose end moves', () => {
    const ledger = opened()
    ledger.activity('timmy', { fromMs: 10, toMs: 20, busy: true })
    ledger.activity('timmy', { fromMs: 10, toMs: 30, busy: true })
    ledger.activity('timmy', { fromMs: 30, toMs: 40, busy: false })
    ledger.activity('timmy', { fromMs: 40, toMs: 50, busy: true })
    ledger.activity('ezra', { fromMs: 40, toMs: 60, busy: true })
    expect(ledger.busySpans('timmy', 0)).toEqual([
      { fromMs: 10, toMs: 30 },
      { fromMs: 40, toMs: 50 },
    ])
    expect(ledger.busySpans('timmy', 30)).toEqual([{ fromMs: 40, toMs: 50 }])
  })
})

describe('upkeep', () => {
  it('keeps the state in which the kept time begins, open incidents, and all that is newer', () => {
    const ledger = opened()
    ledger.record(
      decision({ transitions: [step('new', 'up', 10), step('up', 'down', 20), step('down', 'up', 120)], alert: alert('old', 10) }),
    )
    ledger.record(decision({ incident: { kind: 'open', cause: 'silent', atMs: 20 } }))
    ledger.record(decision({ alert: alert('new', 120) }))
    ledger.activity('timmy', { fromMs: 10, toMs: 90, busy: true })
    ledger.activity('timmy', { fromMs: 95, toMs: 110, busy: true })
    expect(ledger.upkeep(100)).toBe(3)
    expect(ledger.timeline('timmy', 100)).toEqual([
      { atMs: 20, state: 'down' },
      { atMs: 120, state: 'up' },
    ])
    expect(ledger.incidents({ limit: 9 })).toHaveLength(1)
    expect(ledger.unacknowledged('tower', 9).map(({ id }) => id)).toEqual(['new'])
    expect(ledger.busySpans('timmy', 0)).toEqual([{ fromMs: 95, toMs: 110 }])
    expect(ledger.upkeep(100)).toBe(0)
  })

  it('never forgets the audit', () => {
    const ledger = opened()
    ledger.beginOperation(operation())
    ledger.upkeep(1e12)
    expect(ledger.operations({ limit: 9 })).toHaveLength(1)
  })

  it('folds the write-ahead log in', () => {
    const ledger = opened()
    for (let n = 0; n < 50; n++) ledger.record(decision({ alert: alert(`a-${n}`) }))
    expect(statSync(`${file}-wal`).size).toBeGreaterThan(0)
    ledger.upkeep(0)
    expect(statSync(`${file}-wal`).size).toBe(0)
  })
})

describe('notes', () => {
  it('hold the last value by name', () => {
    const ledger = opened()
    expect(ledger.note('upkeep')).toBeUndefined()
    ledger.setNote('upkeep', '2026-01-01')
    ledger.setNote('upkeep', '2026-01-02')
    expect(ledger.note('upkeep')).toBe('2026-01-02')
  })
})

describe('the file', () => {
  it('is only for its user', () => {
    opened()
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'var')).mode & 0o777).toBe(0o700)
  })

  it('may be opened by two at once, who both find it made', () => {
    const first = opened()
    const second = opened()
    first.record(decision({ alert: alert('a') }))
    second.record(decision({ alert: alert('b') }))
    expect(first.unacknowledged('tower', 9)).toHaveLength(2)
  })

  it('is read while somebody else writes', () => {
    const writer = opened()
    const reader = opened('read')
    writer.record(decision({ alert: alert('a') }))
    expect(reader.unacknowledged('tower', 9)).toEqual([alert('a')])
  })

  it('of a newer version is refused in a sentence, and left as it was', () => {
    opened().close()
    const db = new DatabaseSync(file)
    db.exec('PRAGMA journal_mode = DELETE; PRAGMA user_version = 7')
    db.close()
    const before = readFileSync(file)
    for (const access of ['write', 'read'] as const) {
      expect(() => openLedger(file, access)).toThrow(/its version is 7, this Towerwatch knows 1: use the version that wrote it/)
    }
    expect(readFileSync(file).equals(before)).toBe(true)
  })

  it('of another program is refused and left as it was', () => {
    file = join(folder, 'other.sqlite')
    const db = new DatabaseSync(file)
    db.exec('CREATE TABLE notes (text TEXT)')
    db.close()
    const before = readFileSync(file)
    expect(() => openLedger(file)).toThrow(LedgerError)
    expect(readFileSync(file).equals(before)).toBe(true)
  })

  it('that is no database is refused', () => {
    file = join(folder, 'text.sqlite')
    writeFileSync(file, 'this is only text, but enough of it to be taken for a database header'.repeat(20))
    expect(() => openLedger(file)).toThrow(/could not open .*text\.sqlite/)
  })

  it('that is not there can not be read, and is not made by reading', () => {
    expect(() => openLedger(file, 'read')).toThrow(LedgerError)
    expect(existsSync(file)).toBe(false)
  })

  it('that is only read can not be written', () => {
    opened().close()
    const reader = opened('read')
    expect(() => reader.record(decision())).toThrow(LedgerError)
    expect(() => reader.alive(1)).toThrow(LedgerError)
    expect(() => reader.beginOperation(operation())).toThrow(/The ledger could not write the audit: .*readonly/)
    expect(() => reader.upkeep(1)).toThrow(LedgerError)
    expect(reader.remembered().agents.size).toBe(0)
  })

  it('that is closed gives a LedgerError, and may be closed twice', () => {
    const ledger = opened()
    ledger.close()
    ledger.close()
    expect(() => ledger.remembered()).toThrow(LedgerError)
  })

  it('on a disk that is full gives a LedgerError, loses nothing and can be read', () => {
    const child = fileURLToPath(new URL('filling-child.ts', import.meta.url))
    openLedger(file).close()
    // No file may grow beyond 128 KiB there, which SQLite meets as it meets a full disk.
    const script = `trap '' XFSZ; ulimit -f 256; exec "$0" "$@"`
    const said = execFileSync('/bin/sh', ['-c', script, process.execPath, child, file], { encoding: 'utf8' })
    const { isLedgerError, message, written, readable } = JSON.parse(said) as Record<string, unknown>
    expect(message).toContain('The ledger could not record a decision')
    expect(isLedgerError).toBe(true)
    expect(written).toBeGreaterThan(0)
    expect(readable).toBe(written)
    const ledger = opened()
    expect(ledger.unacknowledged('tower', 100_000)).toHaveLength(Number(written))
    ledger.record(decision({ alert: alert('after') }))
  })

  it('in a folder that may not be written is refused', () => {
    if (process.getuid?.() === 0) {
      // To root no folder is closed; a file in the place of the folder is.
      writeFileSync(join(folder, 'var'), '')
    } else chmodSync(folder, 0o500)
    expect(() => openLedger(file)).toThrow(LedgerError)
    chmodSync(folder, 0o700)
  })
})
