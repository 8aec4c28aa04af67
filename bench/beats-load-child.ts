/**
 * Posts beats as fast as they are answered: so many connections that are kept, one beat at a time on each, each agent's seq
 * counted up. Bare sockets, because a client of node:http costs as much as the server that is to be measured. Told by
 * messages `{port, agents, connections, forMs}`, it answers `{answered, seqs, ms, p50Ms, p99Ms}`.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { percentile } from './statistics.ts'
import { benchAgent } from './watch/bench-agent.ts'

interface Load {
  port: number
  agents: number
  connections: number
  forMs: number
}

const heads = new Map<number, string>()
const seqs = new Map<number, number>()

function beatOf(index: number): string {
  let head = heads.get(index)
  if (head === undefined) {
    const { id, token } = benchAgent(index)
    head = `POST /beat/${id} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\n`
    heads.set(index, head)
  }
  const seq = (seqs.get(index) ?? 0) + 1
  seqs.set(index, seq)
  const body = `{"epoch":"bench","seq":${seq},"progress":${seq},"busy":true}`
  return `${head}content-length: ${body.length}\r\n\r\n${body}`
}

async function run({ port, agents, connections, forMs }: Load) {
  const samples: number[] = []
  const fromMs = performance.now()
  const untilMs = fromMs + forMs
  let next = 0
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      socket.setNoDelay(true)
      while (performance.now() < untilMs) {
        // An agent's beats go one behind the other: in each round over the fleet, every connection has other agents.
        const index = next++ % agents
        const sentMs = performance.now()
        await exchange(socket, beatOf(index))
        samples.push(performance.now() - sentMs)
      }
      socket.destroy()
    }),
  )
  const ms = performance.now() - fromMs
  let sum = 0
  for (const seq of seqs.values()) sum += seq
  return { answered: samples.length, seqs: sum, ms, p50Ms: percentile(samples, 50), p99Ms: percentile(samples, 99) }
}

/** Resolves with the end of the answer; rejects on any other than 200. */
function exchange(socket: Socket, request: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = ''
    const end = (error?: Error) => {
      socket.off('data', more).off('error', end).off('close', gone)
      if (error) reject(error)
      else resolve()
    }
    const gone = () => end(new Error(`the server ended the connection after ${JSON.stringify(text)}`))
    const more = (chunk: Buffer) => {
      text += chunk.toString('latin1')
      const head = text.indexOf('\r\n\r\n')
      if (head < 0) return
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)
      if (text.length < head + 4 + length) return
      end(text.startsWith('HTTP/1.1 200 ') ? undefined : new Error(`the server answered ${JSON.stringify(text)}`))
    }
    socket.on('data', more).on('error', end).on('close', gone)
    socket.write(request)
  })
}

process.on('message', (load: Load) => {
  run(load).then(
    (result) => process.send?.(result),
    (error: unknown) => process.send?.({ trouble: error instanceof Error ? error.message : String(error) }),
  )
})
process.on('disconnect', () => process.exit())
