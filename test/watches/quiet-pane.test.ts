/** An agent whose process lives and whose pane says nothing any more. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startHostWatch } from '../../src/watches/host-watch.ts'
import { openJournal } from '../../src/watches/journal.ts'
import { openRoster, type Roster } from '../../src/watches/roster.ts'
import { brittleLedger } from '../fakes/brittle-ledger.ts'
import { type FakeHost, fakeHost } from '../fakes/host.ts'
import { type VirtualClock, virtualClock } from '../fakes/virtual-clock.ts'
import { agentConfig, fleetConfig } from '../support/fleet.ts'
import { keptLog } from '../support/log.ts'

let clock: VirtualClock
let host: FakeHost
let roster: Roster
let watch: { stop(): Promise<void> }
/** How often the watch was told that something was written. */
let words: number

beforeEach(async () => {
  clock = virtualClock()
  host = fakeHost('local', clock)
  words = 0
  const log = keptLog()
  const ledger = brittleLedger()
  const timmy = agentConfig('timmy', { timing: { periodMs: 2_000, graceMs: 4_000, quietMs: 20_000 } })
  const config = fleetConfig([timmy])
  roster = openRoster(config, { ledger, journal: openJournal(ledger, log), clock, log })
  const listened: Roster = {
    ...roster,
    observe: (agent, event) => {
      if (event.kind === 'sighted' && event.quietMs !== undefined) words++
      roster.observe(agent, event)
    },
  }
  const declared = config.hosts.get('local')
  if (!declared) throw new Error('no host')
  host.start('timmy')
  host.beat('timmy')
  watch = startHostWatch(
    { host: declared, agents: [timmy], pollMs: 1_000, firstDelayMs: 0 },
    { host, roster: listened, clock, log, random: () => 0, isActedOn: () => false },
  )
})
afterEach(() => watch.stop())

async function living(seconds: number, quietMs: (second: number) => number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    host.setQuiet('timmy', quietMs(second))
    host.beat('timmy')
    await clock.advance(1_000)
  }
}
const status = () => roster.agent('timmy')?.status

it('is hung when it has been quiet for too long, though it beats, and up again with its next word', async () => {
  await living(5, () => 300)
  expect(status()?.state).toBe('up')
  await living(25, (second) => second * 1_000)
  expect(status()).toMatchObject({ state: 'down', cause: 'hung' })
  await living(2, () => 100)
  expect(status()?.state).toBe('up')
})

it('is not told at each look that what was said then was said then, though tmux tells only whole seconds', async () => {
  await living(15, (second) => 10_000 + second * 1_000 + (second % 2) * 900)
  expect(words).toBe(1)
  expect(status()?.state).toBe('up')
})
