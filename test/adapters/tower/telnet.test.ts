/** The way in over telnet, with games that say things in their own way. Against the real one: test/contracts. */
import type { Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { telnetTransport } from '../../../src/adapters/tower/telnet.ts'
import { telnetBytes } from '../../../src/adapters/tower/telnet-guard.ts'
import { TowerConnectError } from '../../../src/ports/tower-transport.ts'
import { recorder } from '../../support/recorder.ts'
import { rawGame } from './raw-game.ts'

const { IAC, WILL, GMCP } = telnetBytes
const account = { name: 'towerwatch', password: 'four-right-words' }
const toStop: (() => void)[] = []
afterEach(() => {
  for (const stop of toStop.splice(0)) stop()
})

/** What becomes of a login that is answered so. */
async function answered(answer: (socket: Socket) => void): Promise<string> {
  const { port, stop } = await rawGame((socket) => {
    socket.write(Buffer.concat([Buffer.of(IAC, WILL, GMCP), Buffer.from('Welcome to the Tower\r\n')]))
    let isAsked = false
    socket.on('data', (chunk) => {
      if (isAsked || !chunk.includes('Core.Login')) return
      isAsked = true
      answer(socket)
    })
  })
  toStop.push(stop)
  const transport = telnetTransport({ host: '127.0.0.1', port })
  try {
    await transport.connect(account, recorder().listener, { timeoutMs: 15_000, signal: new AbortController().signal })
    return 'open'
  } catch (error) {
    if (error instanceof TowerConnectError) return `${error.kind}: ${error.message}`
    throw error
  }
}

const umlaut = Buffer.from('Ü')

test.each<[string, (string | Buffer)[]]>([
  ['a line', ['Username and/or password is incorrect.\r\n']],
  ['a line that has no end', ['Username and/or password is incorrect.']],
  ['two pieces', ['Username and/or password is ', 'incorrect.\r\n']],
  ['pieces cut inside of letters and colours', [umlaut.subarray(0, 1), umlaut.subarray(1), '\u001b[3', '1mYou have been ba', 'nned.\n']],
])('a refusal in %s is one', async (_how, pieces) => {
  const outcome = await answered((socket) => {
    const next = () => {
      const piece = pieces.shift()
      // In packets of their own: the socket does not wait to fill them.
      if (piece !== undefined) socket.write(piece, () => setTimeout(next, 30))
    }
    next()
  })
  expect(outcome).toMatch(/^refused: The Tower refused the login: (Ü ?)?(Username and\/or password is incorrect|You have been banned)\.$/)
})
