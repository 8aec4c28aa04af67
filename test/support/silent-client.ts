/** A telnet client that asks for the fleet as data, and then reads no more: a laptop that was closed, a process that hangs. */
import { connect } from 'node:net'
import type { GameAccount } from './evennia.ts'
import { until } from './until.ts'

const IAC = 255
const gmcp = (text: string) => Buffer.concat([Buffer.of(IAC, 250, 201), Buffer.from(text), Buffer.of(IAC, 240)])

/** Resolves when it was told of the fleet, and has stopped to read. */
export async function silentClientAt(port: number, { account, password }: GameAccount): Promise<{ close(): void }> {
  let read = ''
  const socket = connect({ host: '127.0.0.1', port })
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    read += chunk.toString('latin1')
  })
  const reads = (text: string) => until(() => read.includes(text), { withinMs: 20_000, what: () => `${text} in ${read.slice(-500)}` })
  try {
    await reads('connect <name>')
    socket.write(Buffer.of(IAC, 253, 201))
    socket.write(`connect ${account} ${password}\r\n`)
    await reads('You become')
    socket.write(gmcp('Tower.Subscribe {}'))
    await reads('Tower.Fleet')
  } catch (error) {
    socket.destroy()
    throw error
  }
  socket.pause()
  return { close: () => void socket.destroy() }
}
