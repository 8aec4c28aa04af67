import { SinkError } from '../../src/ports/sink.ts'
import { fakeSink } from '../fakes/sink.ts'
import { sinkContract } from './sink.ts'

sinkContract('in memory', async () => {
  const sink = fakeSink()
  return {
    sink,
    arrived: async () => sink.taken,
    fail: () => sink.answer(() => new SinkError('failed', 'it was told to fail')),
    hang: async () => sink.hang(),
    stop: async () => {},
  }
})
