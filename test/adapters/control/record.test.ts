import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NotRunningError, recordWatch } from '../../../src/adapters/control/client.ts'
import { type RecordHandler, startControlServer } from '../../../src/adapters/control/server.ts'
import { until } from '../../support/until.ts'

let folder: string
let path: string
let stops: (() => Promise<void>)[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tw-record-'))
  path = join(folder, 'towerwatch.sock')
  stops = []
})
afterEach(async () => {
  for (const stop of stops) await stop()
  rmSync(folder, { recursive: true })
})

const heardWithin = { withinMs: 10_000, what: 'the line that was told' }

async function served(record: RecordHandler): Promise<() => Promise<void>> {
  const server = await startControlServer(path, async () => ({ status: 'ok', lines: [] }), record)
  stops.push(server.stop)
  return server.stop
}

describe('a recording', () => {
  it('is heard line by line, and stopped in the watch when nobody listens any more', async () => {
    let stopped = 0
    let tell: (line: object) => void = () => {}
    await served((teller) => {
      tell = teller
      teller({ at: 0, agent: 'timmy', beat: { epoch: 'ä' } })
      return { stop: () => void stopped++ }
    })
    const heard: object[] = []
    const listening = new AbortController()
    const done = recordWatch(path, (line) => void heard.push(line), listening.signal)
    await until(() => heard.length === 1, heardWithin)
    tell({ at: 1, host: 'far', reachable: false })
    await until(() => heard.length === 2, heardWithin)
    expect(heard).toEqual([
      { at: 0, agent: 'timmy', beat: { epoch: 'ä' } },
      { at: 1, host: 'far', reachable: false },
    ])
    listening.abort()
    expect(await done).toBe('asked')
    await until(() => stopped === 1, { withinMs: 10_000, what: 'the recording stopped' })
  })

  it('ends when the watch stops', async () => {
    const heard: object[] = []
    const stop = await served((tell) => {
      tell({ at: 0 })
      return { stop: () => {} }
    })
    const done = recordWatch(path, (line) => void heard.push(line), new AbortController().signal)
    await until(() => heard.length === 1, heardWithin)
    await stop()
    expect(await done).toBe('watch')
  })

  it('is none while the watch is starting', async () => {
    await served(() => undefined)
    expect(await recordWatch(path, () => {}, new AbortController().signal)).toBe('watch')
  })

  it('of no watch is refused', async () => {
    await expect(recordWatch(path, () => {}, new AbortController().signal)).rejects.toThrow(NotRunningError)
  })
})
