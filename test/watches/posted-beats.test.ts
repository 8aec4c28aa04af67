import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openLedger } from '../../src/adapters/ledger/sqlite.ts'
import { httpBeatSource } from '../../src/adapters/push/server.ts'
import { Secret } from '../../src/config/config.ts'
import { BeatSourceError, type Poster, type RunningBeatSource, type TakeBeat } from '../../src/ports/beat-source.ts'
import { type Ledger, LedgerError } from '../../src/ports/ledger.ts'
import { openJournal } from '../../src/watches/journal.ts'
import { startPostedBeats } from '../../src/watches/posted-beats.ts'
import { openRoster } from '../../src/watches/roster.ts'
import { post } from '../adapters/push/http.ts'
import { virtualClock } from '../fakes/virtual-clock.ts'
import { agentConfig, fleetConfig } from '../support/fleet.ts'
import { keptLog } from '../support/log.ts'
import { realClock } from '../support/real-clock.ts'
import { until } from '../support/until.ts'

const scribe = (token = 'a-token') => agentConfig('scribe', { heartbeat: { kind: 'push', token: new Secret(token) } })
const config = () => fleetConfig([scribe(), agentConfig('timmy')])

/** A source whose address somebody else may have. */
function fakeSource() {
  let isTaken = false
  let take: TakeBeat | undefined
  let posters: ReadonlyMap<string, Poster> = new Map()
  const running: RunningBeatSource = {
    url: 'http://127.0.0.1:1',
    redeclare: (next) => {
      posters = next
    },
    stop: async () => {
      take = undefined
    },
  }
  return {
    source: {
      start: (declared: ReadonlyMap<string, Poster>, taker: TakeBeat) => {
        if (isTaken) return Promise.reject(new BeatSourceError("beats can't be taken: something else listens there"))
        posters = declared
        take = taker
        return Promise.resolve(running)
      },
    },
    tokens: () => Object.fromEntries([...posters].map(([id, { token }]) => [id, token.reveal()])),
    occupy: (by: boolean) => {
      isTaken = by
    },
    isOpen: () => take !== undefined,
    post: (agent: string, seq: number) => {
      if (!take) throw new Error('nobody takes beats')
      return take(agent, { epoch: 'e', seq })
    },
  }
}

function stage() {
  const clock = virtualClock()
  const log = keptLog()
  const real = openLedger(':memory:')
  let hold: Promise<void> = Promise.resolve()
  const ledger: Ledger = { ...real, write: (facts) => hold.then(() => real.write(facts)) }
  const roster = openRoster(config(), { ledger: real, journal: openJournal(real, log), clock, log })
  const fake = fakeSource()
  return {
    clock,
    log,
    real,
    roster,
    fake,
    start: () => startPostedBeats(config(), { source: fake.source, roster, ledger, clock, log }),
    holdWrites: (until: Promise<void>) => {
      hold = until
    },
    state: () => roster.agent('scribe')?.status.state,
  }
}

describe('a posted beat', () => {
  it('is known at once, and answered when it is durable', async () => {
    const { clock, real, fake, start, holdWrites, state } = stage()
    const posted = start()
    await clock.advance(0)
    let commit = () => {}
    holdWrites(
      new Promise((resolve) => {
        commit = resolve
      }),
    )
    let isDurable = false
    const answer = fake.post('scribe', 7).then(() => {
      isDurable = true
    })
    await clock.advance(10)
    expect([state(), isDurable]).toEqual(['up', false])
    commit()
    await answer
    expect(real.remembered().beats.get('scribe')).toEqual({ atMs: clock.now() - 10, epoch: 'e', seq: 7 })
    await posted.stop()
  })

  it('counts in memory while the ledger can not be written', async () => {
    const { clock, fake, start, holdWrites, state } = stage()
    const posted = start()
    await clock.advance(0)
    const failure = Promise.reject(new LedgerError('disk full'))
    failure.catch(() => {})
    holdWrites(failure)
    await expect(fake.post('scribe', 1)).rejects.toThrow(LedgerError)
    expect(state()).toBe('up')
    await posted.stop()
  })

  it('comes from those only that post, with the tokens of the last declaration', async () => {
    const { clock, fake, start } = stage()
    const posted = start()
    await clock.advance(0)
    expect(fake.tokens()).toEqual({ scribe: 'a-token' })
    posted.redeclare(fleetConfig([scribe('another')]))
    expect(fake.tokens()).toEqual({ scribe: 'another' })
    await posted.stop()
    expect([fake.isOpen(), clock.pending()]).toEqual([false, 0])
  })
})

describe('while nobody can post', () => {
  it('what the agents do is unknown, and it is tried again until they can', async () => {
    const { clock, log, roster, fake, start, state } = stage()
    roster.observe('scribe', { kind: 'beat', beat: { atMs: clock.now(), epoch: 'e' } })
    fake.occupy(true)
    const posted = start()
    await clock.advance(0)
    expect([state(), posted.url()]).toEqual(['unknown', undefined])
    await clock.advance(3_600_000)
    expect(state()).toBe('unknown')
    fake.occupy(false)
    await clock.advance(5_000)
    expect([state(), posted.url()]).toEqual(['late', 'http://127.0.0.1:1'])
    await fake.post('scribe', 2)
    expect(state()).toBe('up')
    expect(log.lines.map(({ level, message }) => `${level}: ${message}`)).toEqual([
      'error: agents cannot post their beats: what they do is unknown until they can',
      'info: beats may be posted',
    ])
    await posted.stop()
  })

  it('it can be stopped', async () => {
    const { clock, fake, start } = stage()
    fake.occupy(true)
    const posted = start()
    await clock.advance(0)
    await posted.stop()
    expect(clock.pending()).toBe(0)
  })

  it('who was never heard of stays new', async () => {
    const { clock, fake, start, state } = stage()
    fake.occupy(true)
    const posted = start()
    await clock.advance(10_000)
    expect(state()).toBe('new')
    await posted.stop()
  })
})

describe('over HTTP, into a ledger in a file', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tw-posted-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('what was answered with OK is there after the watch, and the next one begins with it', async () => {
    const open = () => {
      const ledger = openLedger(join(folder, 'ledger.sqlite'))
      const journal = openJournal(ledger, keptLog())
      return { ledger, journal, roster: openRoster(config(), { ledger, journal, clock: realClock, log: keptLog() }) }
    }
    const first = open()
    const posted = startPostedBeats(config(), {
      source: httpBeatSource({ listen: { host: '127.0.0.1', port: 0 }, clock: realClock, log: keptLog(), bounds: { stopMs: 0 } }),
      roster: first.roster,
      ledger: first.ledger,
      clock: realClock,
      log: keptLog(),
    })
    const url = await until(() => posted.url(), { withinMs: 5_000, what: 'the door' })
    for (let seq = 1; seq <= 20; seq++) {
      const answer = await post(`${url}/beat/scribe`, { token: 'a-token', body: `{"epoch":"life","seq":${seq}}` })
      expect(answer).toMatchObject({ status: 200, text: 'OK' })
      // Read by another connection: it is in the file, not on its way there.
      const reader = openLedger(join(folder, 'ledger.sqlite'), 'read')
      expect(reader.remembered().beats.get('scribe')).toMatchObject({ epoch: 'life', seq })
      await reader.close()
    }
    await posted.stop()
    await first.journal.settled()
    await first.ledger.close()

    const second = open()
    expect(second.roster.agent('scribe')?.facts.lastBeat).toMatchObject({ epoch: 'life', seq: 20 })
    await second.journal.settled()
    await second.ledger.close()
  })
})
