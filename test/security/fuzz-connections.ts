/** Connections to a game that send whatever they are told to, over both transports, and keep count of what comes back. */
import { connect } from 'node:net'
import { WebSocket } from 'ws'
import { gmcpFrame } from '../../src/adapters/tower/telnet-guard.ts'
import type { GameAccount, TestGame } from '../support/evennia.ts'
import { until } from '../support/until.ts'

export interface RudeClient {
  /** How often a message of this name came: `tower_error`. */
  readonly heard: Map<string, number>
  /** The last messages whole, at most a hundred. */
  readonly last: string[]
  /** Why it ended, once it has. */
  ended(): string | undefined
  /** A text frame of the websocket, or what stands between IAC SB GMCP and IAC SE. */
  send(text: string): void
  close(): void
}

export type Transport = 'websocket' | 'telnet'

const KEPT = 100

/** Logged in as `account`; or as nobody. Resolves when the game has greeted, and said that one is logged in. */
export async function rudeClient(game: TestGame, transport: Transport, account?: GameAccount): Promise<RudeClient> {
  const client = transport === 'websocket' ? overWebsocket(game.websocketUrl) : overTelnet(game.ports.telnet)
  const waits = (what: string, came: () => boolean) =>
    until(
      () => {
        if (client.ended() !== undefined) throw new Error(`the game hung up: ${client.ended()}`)
        return came()
      },
      { withinMs: 60_000, what: () => `${what} over ${transport}; came: ${client.last.slice(-5).join(' ')}` },
    )
  // Not the portal's word that one is queued: only from the greeting on does the server know of the connection, and a login before is lost.
  await waits('the greeting', () => client.last.some((text) => text.includes('=====')))
  if (account !== undefined) {
    const login = JSON.stringify({ name: account.account, password: account.password })
    client.send(transport === 'websocket' ? `["login",[],${login}]` : `Core.Login ${login}`)
    await waits('logged_in', () => client.heard.has('logged_in'))
  }
  return client
}

function overWebsocket(url: string): RudeClient {
  const socket = new WebSocket(url, { perMessageDeflate: false })
  const { client, note, end } = counter(
    (text) => socket.readyState === WebSocket.OPEN && socket.send(text),
    () => socket.terminate(),
  )
  socket.on('message', (data) => {
    const text = data.toString()
    note(/^\["([^"]*)"/.exec(text)?.[1] ?? 'odd', text)
  })
  socket.on('error', (error) => end(error.message))
  socket.on('close', (code, reason) => end(`${code} ${reason}`))
  return client
}

const IAC = 0xff
const SB = 0xfa
const SE = 0xf0

function overTelnet(port: number): RudeClient {
  const socket = connect({ host: '127.0.0.1', port })
  socket.setNoDelay(true)
  let rest = Buffer.alloc(0)
  let offers = Buffer.alloc(0)
  let agreed = false
  const { client, note, end } = counter(
    (text) => socket.writable && socket.write(gmcpFrame(text)),
    () => socket.destroy(),
  )
  socket.on('data', (chunk) => {
    // GMCP is agreed to, in however many pieces the offer comes; all else is left unanswered, which Evennia takes for a no.
    if (!agreed) {
      offers = Buffer.concat([offers, chunk])
      agreed = offers.includes(Buffer.of(IAC, 251, 201))
      if (agreed) socket.write(Buffer.of(IAC, 253, 201))
    }
    rest = Buffer.concat([rest, chunk])
    for (;;) {
      const from = rest.indexOf(Buffer.of(IAC, SB))
      const words = from === -1 ? rest : rest.subarray(0, from)
      // Offers hold a printable byte here and there (IAC WILL 86).
      if (/[\x20-\x7e]{4}/.test(words.toString('latin1'))) note('text', words.toString('latin1'))
      rest = from === -1 ? Buffer.alloc(0) : rest.subarray(from)
      const to = rest.indexOf(Buffer.of(IAC, SE))
      if (to === -1) return
      const text = rest.subarray(3, to).toString('utf8')
      note(
        (text.split(' ')[0] ?? '')
          .toLowerCase()
          .replaceAll('.', '_')
          .replace(/^core_/, ''),
        text,
      )
      rest = rest.subarray(to + 2)
    }
  })
  socket.on('error', (error) => end(error.message))
  socket.on('close', () => end('closed'))
  return client
}

function counter(write: (text: string) => unknown, destroy: () => void) {
  let ended: string | undefined
  const client: RudeClient = {
    heard: new Map(),
    last: [],
    ended: () => ended,
    send: (text) => {
      if (ended === undefined) write(text)
    },
    close: destroy,
  }
  return {
    client,
    note: (name: string, text: string) => {
      client.heard.set(name, (client.heard.get(name) ?? 0) + 1)
      client.last.push(text.slice(0, 300))
      if (client.last.length > KEPT) client.last.shift()
    },
    end: (reason: string) => {
      ended ??= reason
    },
  }
}
