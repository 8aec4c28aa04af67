/**
 * A telnet client in a process of its own, so that a crash is a failed expectation and not a dead test run.
 * argv: `bare` (telnetlib as it comes) or `guarded`, and a port. Prints `pong` when a sound message came through.
 */
import { createConnection } from 'telnetlib'
import { decodeGmcp } from '../../../src/adapters/tower/codec.ts'
import { openGuardedTelnet } from '../../../src/adapters/tower/telnet-guard.ts'

const [mode, port] = process.argv.slice(2)
const address = { host: '127.0.0.1', port: Number(port) }

const finish = (word: string) => {
  console.log(word)
  process.exit(0)
}

if (mode === 'bare') {
  const telnet = createConnection({
    ...address,
    remoteOptions: [201, 86],
    localOptions: [31],
    receiveBufferMax: 4096,
    subnegotiationBufferMax: 4096,
  })
  telnet.on('enable', (option: number) => {
    if (option === 201) telnet.options.get(201)?.on('gmcp/tower.pong', () => finish('pong'))
  })
} else {
  openGuardedTelnet(address, {
    enabled: () => {},
    gmcp: (payload) => {
      const incoming = decodeGmcp(payload)
      if (incoming.kind === 'message') finish('pong')
    },
    text: () => {},
    ended: (reason) => finish(`ended: ${reason}`),
  })
}
