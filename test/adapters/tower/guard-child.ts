/**
 * A telnet client in a process of its own, so that a crash is a failed expectation and not a dead test run.
 *
 * argv: `bare` (telnetlib as it comes) or `guarded`, a port, and for the bare one what it is to do, by commas:
 * listen (to errors), big (buffers), readme (the buffer option as the README spells it), pause, encode, write-ff, greet,
 * destroy. What the library tells is printed, a line each. `guarded` ends by itself at the first sound message, or at the end
 * of its connection.
 */
import { createRequire } from 'node:module'
import { decodeGmcp } from '../../../src/adapters/tower/codec.ts'
import { openGuardedTelnet } from '../../../src/adapters/tower/telnet-guard.ts'

/** As much of telnetlib as its README promises and this uses. */
interface Bare {
  on(event: string, listener: (...told: unknown[]) => void): void
  write(bytes: Buffer): void
  setEncoding(encoding: string): void
  pause(): void
  resume(): void
  destroy(): void
  socket: { destroyed: boolean; once(event: string, listener: () => void): void }
  options: Map<number, { on: Bare['on']; send(packageName: string, messageName: string, data: object): void }>
}

const [mode, port, actions = ''] = process.argv.slice(2)
const address = { host: '127.0.0.1', port: Number(port) }
const say = (...words: unknown[]) => console.log(words.join(' '))

if (mode === 'bare') bare(new Set(actions.split(',')))
else guarded()

function bare(does: Set<string>): void {
  const { createConnection }: { createConnection(options: object): Bare } = createRequire(import.meta.url)('telnetlib')
  const max = does.has('big') ? 8 * 1024 * 1024 : 4096
  const telnet = createConnection({
    ...address,
    remoteOptions: [201, 86],
    localOptions: [31],
    subnegotiationBufferMax: max,
    ...(does.has('readme') ? { receiveBuffermax: 8 * 1024 * 1024 } : { receiveBufferMax: max }),
  })
  if (does.has('listen')) telnet.on('error', (error) => say('error:', error instanceof Error ? error.message : error))
  for (const event of ['end', 'close', 'negotiated']) telnet.on(event, () => say(event))
  telnet.on('data', (bytes) => say('text', JSON.stringify(String(bytes))))
  telnet.on('enable', (option) => {
    say('enable', option)
    if (option !== 201) return
    const gmcp = telnet.options.get(201)
    gmcp?.on('gmcp', (packageName, messageName) => {
      say(packageName === 'tower' && messageName === 'pong' ? 'pong' : `gmcp ${packageName}.${messageName}`)
      if (does.has('pause')) telnet.resume()
    })
    if (does.has('greet')) gmcp?.send('Tower', 'Ping', {})
  })
  if (does.has('encode')) telnet.setEncoding('utf8')
  if (does.has('pause')) telnet.pause()
  telnet.socket.once('connect', () => {
    if (does.has('write-ff')) telnet.write(Buffer.of(65, 255, 66))
    if (does.has('destroy')) {
      telnet.destroy()
      // The next round: whatever destroying sets off has happened.
      setImmediate(() => setImmediate(() => say('its socket is', telnet.socket.destroyed ? 'destroyed' : 'open')))
    }
  })
}

function guarded(): void {
  const finish = (word: string) => {
    say(word)
    process.exit(0)
  }
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
