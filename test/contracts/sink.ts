/** What every Sink owes, whatever carries it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AlertRecord } from '../../src/ports/ledger.ts'
import { type Sink, SinkError } from '../../src/ports/sink.ts'

export interface SinkFixture {
  sink: Sink
  /** Alerts that arrived whole, as the other side read them, in order. */
  arrived(): Promise<AlertRecord[]>
  /** From now on it takes nothing: not for now, or, where it can say so, never. */
  fail(): void
  /** From now on nothing is answered; resolves once the next alert has come. */
  hang(): Promise<void>
  stop(): Promise<void>
}

export const recovery: AlertRecord = {
  id: 'a-2',
  kind: 'recovery',
  subjects: [
    { kind: 'agent', id: 'timmy', host: 'local' },
    { kind: 'host', id: 'far', host: 'far' },
  ],
  incidents: [1, 2],
  at: 1_800_000_000_000,
  text: `timmy is back up after 1 min: $(reboot) "quoted" 'n' \\ %s <b> ;|& ${'🗼'.repeat(20)}`,
  durationMs: 60_000,
}
export const problem: AlertRecord = { id: 'a-1', kind: 'problem', subjects: [], incidents: [], at: 1, text: '--help me\nplease' }

export function sinkContract(name: string, start: () => Promise<SinkFixture>): void {
  describe(`a sink (${name})`, () => {
    let fixture: SinkFixture
    const never = new AbortController().signal

    beforeEach(async () => {
      fixture = await start()
    })
    afterEach(() => fixture.stop())

    it('gets each alert whole, and takes it by saying so', async () => {
      await fixture.sink.tell(problem, never)
      await fixture.sink.tell(recovery, never)
      await fixture.sink.tell(recovery, never)
      expect(await fixture.arrived()).toEqual([problem, recovery, recovery])
    })

    it('that doesn’t take one says so, in a sentence', async () => {
      fixture.fail()
      const error = await fixture.sink.tell(problem, never).catch((fault: unknown) => fault)
      expect(error).toBeInstanceOf(SinkError)
      expect(error).toMatchObject({ kind: 'failed', message: expect.stringMatching(/^it [^\n]{3,80}$/) })
    })

    it('is called off while it says nothing', async () => {
      const came = fixture.hang()
      const calling = new AbortController()
      const told = fixture.sink.tell(problem, calling.signal)
      await came
      calling.abort()
      await expect(told).rejects.toMatchObject({ name: 'SinkError', kind: 'failed', message: 'it was called off' })
    })

    it('that was called off before doesn’t begin', async () => {
      await expect(fixture.sink.tell(problem, AbortSignal.abort())).rejects.toBeInstanceOf(SinkError)
      expect(await fixture.arrived()).toEqual([])
    })
  })
}
