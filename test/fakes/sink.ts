import type { AlertRecord } from '../../src/ports/ledger.ts'
import { type Sink, SinkError } from '../../src/ports/sink.ts'

export interface FakeSink extends Sink {
  /** What it took, in order. */
  readonly taken: AlertRecord[]
  /** What came, taken or not. */
  readonly came: AlertRecord[]
  /** Answers so to everything for which this says more than undefined; takes the rest. */
  answer(how: (alert: AlertRecord) => SinkError | undefined): void
  /** Answers nothing until it is called off. */
  hang(): void
}

/** A sink in memory. It passes test/contracts/sink.ts as the real ones do. */
export function fakeSink(): FakeSink {
  const taken: AlertRecord[] = []
  const came: AlertRecord[] = []
  let answer = (_alert: AlertRecord): SinkError | undefined => undefined
  let isHung = false
  const calledOff = () => new SinkError('failed', 'it was called off')
  return {
    taken,
    came,
    answer: (how) => {
      answer = how
      isHung = false
    },
    hang: () => {
      isHung = true
    },
    tell: (alert, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(calledOff())
        came.push(alert)
        if (isHung) {
          signal.addEventListener('abort', () => reject(calledOff()), { once: true })
          return
        }
        const error = answer(alert)
        if (error) return reject(error)
        taken.push(alert)
        resolve()
      }),
  }
}
