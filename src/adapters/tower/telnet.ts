/** TowerTransport over telnet with GMCP. Plain text on the wire: for a game on the same machine or inside a tunnel. */
import type { TowerTransport } from '../../ports/tower-transport.ts'
import { decodeGmcp, encodeGmcp, gmcpText } from './codec.ts'
import { converse, type Wire, type WireEvents } from './conversation.ts'
import { openGuardedTelnet } from './telnet-guard.ts'

export interface TelnetOptions {
  host: string
  port: number
}

const MAX_REST = 500

export function telnetTransport(options: TelnetOptions): TowerTransport {
  return {
    kind: 'telnet',
    connect: (account, listener, bounds) => converse('telnet', account, listener, bounds, (events) => openTelnet(options, events)),
  }
}

function openTelnet(options: TelnetOptions, events: WireEvents): Wire {
  const words = new TextDecoder()
  /** What came of a line that has not ended: told at once, and again with what follows, lest a refusal in two pieces be none. */
  let rest = ''
  const telnet = openGuardedTelnet(options, {
    enabled: events.ready,
    gmcp: (payload) => events.incoming(decodeGmcp(payload)),
    text: (bytes) => {
      const text = rest + words.decode(bytes, { stream: true })
      rest = /[\r\n]$/.test(text) ? '' : text.slice(-MAX_REST)
      events.incoming({ kind: 'text', text })
    },
    ended: events.ended,
  })
  return {
    login: (account) => telnet.send(gmcpText('core_login', { name: account.name, password: account.password })),
    send: (message) => telnet.send(encodeGmcp(message)),
    bufferedBytes: telnet.bufferedBytes,
    end: telnet.end,
  }
}
