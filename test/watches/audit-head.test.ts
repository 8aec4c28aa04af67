import { afterEach, describe, expect, it } from 'vitest'
import type { AuditHead, AuditVerdict } from '../../src/domain/audit.ts'
import { LedgerError } from '../../src/ports/ledger.ts'
import { startAuditHead } from '../../src/watches/audit-head.ts'
import { virtualClock } from '../fakes/virtual-clock.ts'
import { keptLog } from '../support/log.ts'

const head = { seq: 7, hash: 'ab' }
const whole: AuditVerdict = { kind: 'whole', entries: 7, from: { seq: 0, hash: '0' }, head }
let stop = async () => {}
afterEach(() => stop())

function started(verify: (noted?: AuditHead) => Promise<AuditVerdict>) {
  const clock = virtualClock()
  const log = keptLog()
  const told: string[] = []
  let checks = 0
  const ledger = {
    auditHead: () => head,
    verifyAudit: (noted?: AuditHead) => {
      checks++
      return verify(noted)
    },
  }
  stop = startAuditHead({ ledger, clock, log, tell: (text) => void told.push(text) }).stop
  return { clock, log, told, checks: () => checks }
}

describe('the head of the audit', () => {
  it('is in the log at the start and once an hour; the chain is checked once a day', async () => {
    const { clock, log, told, checks } = started(async () => whole)
    await clock.advance(23.5 * 3_600_000)
    expect(log.messages('info')).toHaveLength(24)
    expect(log.lines[0]).toMatchObject({ fields: head })
    expect(checks()).toBe(1)
    await clock.advance(3_600_000)
    expect(checks()).toBe(2)
    expect(told).toEqual([])
  })

  it('is what the chain is compared with a day later, and a day after which all of that is forgotten is no fault', async () => {
    const compared: (AuditHead | undefined)[] = []
    const { clock, told } = started(async (noted) => {
      compared.push(noted)
      return noted ? { kind: 'forgotten', from: { seq: 9, hash: 'cd' } } : whole
    })
    await clock.advance(25 * 3_600_000)
    expect(compared).toEqual([undefined, head])
    expect(told).toEqual([])
  })

  it('that does not fit is told to everybody', async () => {
    const { clock, log, told } = started(async () => ({ kind: 'broken', seq: 5, why: 'it is not what was written' }))
    await clock.advance(1)
    expect(told).toEqual([expect.stringContaining('at entry 5 it is not what was written')])
    expect(log.messages('error')).toHaveLength(1)
  })

  it('that can not be read is said in the log, and tried again', async () => {
    let isBroken = true
    const { clock, log } = started(async () => {
      if (isBroken) throw new LedgerError('disk I/O error')
      return whole
    })
    await clock.advance(1)
    expect(log.messages('error')).toEqual(['the audit could not be checked'])
    isBroken = false
    await clock.advance(3_600_000)
    expect(log.messages('info')).toHaveLength(1)
  })

  it('is not looked at any more once that was stopped', async () => {
    const { clock, log } = started(async () => whole)
    await clock.advance(1)
    await stop()
    await clock.advance(10 * 3_600_000)
    expect(log.messages('info')).toHaveLength(1)
  })
})
