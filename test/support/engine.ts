/** The real engine, on a virtual clock and a ledger whose disk can fail. */
import type { Config } from '../../src/config/config.ts'
import { type Engine, openEngine } from '../../src/engine.ts'
import { type BrittleLedger, brittleLedger } from '../fakes/brittle-ledger.ts'
import { type VirtualClock, virtualClock } from '../fakes/virtual-clock.ts'
import { type KeptLog, keptLog } from './log.ts'

interface TestEngine extends Engine {
  clock: VirtualClock
  ledger: BrittleLedger
  log: KeptLog
}

/** `more.clock`, `more.ledger`: of an engine before, to go on with what it left. */
export function testEngine(config: Config, more: Partial<Pick<TestEngine, 'clock' | 'ledger' | 'log'>> = {}): TestEngine {
  const { clock = virtualClock(), ledger = brittleLedger(), log = keptLog() } = more
  let ids = 0
  const engine = openEngine(config, { ledger, clock, log, newId: () => `alert-${clock.now()}-${++ids}` })
  return { ...engine, clock, ledger, log }
}
