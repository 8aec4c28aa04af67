/** Certificates made by openssl in a folder of the test's own, and a proxy that speaks TLS with one of them. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Certificate {
  key: string
  cert: string
}

export interface Authority {
  /** PEM of the authority itself. */
  readonly ca: string
  /** Where that stands, for who names a file. */
  readonly file: string
  /** `names` as openssl writes them: "DNS:localhost,IP:127.0.0.1". `days` below nothing: it has expired. */
  issue(names: string, days?: number): Promise<Certificate>
  /** Removes the folder with all keys. */
  remove(): void
}

export async function makeAuthority(): Promise<Authority> {
  const folder = mkdtempSync(join(tmpdir(), 'towerwatch-certificates-'))
  const path = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => run('openssl', args, { cwd: folder })
  const key = (name: string) => ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', path(name)]
  try {
    await openssl('req', '-x509', ...key('ca.key'), '-out', path('ca.pem'), '-subj', '/CN=An authority of a test', '-days', '2')
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
  let count = 0
  return {
    ca: readFileSync(path('ca.pem'), 'utf8'),
    file: path('ca.pem'),
    issue: async (names, days = 2) => {
      const name = `c${count++}`
      writeFileSync(path(`${name}.ext`), `subjectAltName=${names}\n`)
      await openssl('req', ...key(`${name}.key`), '-out', path(`${name}.csr`), '-subj', '/CN=a Tower')
      const signing = ['-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-CAcreateserial', '-extfile', path(`${name}.ext`)]
      await openssl('x509', '-req', '-in', path(`${name}.csr`), ...signing, '-days', String(days), '-out', path(`${name}.pem`))
      return { key: readFileSync(path(`${name}.key`), 'utf8'), cert: readFileSync(path(`${name}.pem`), 'utf8') }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

export interface TlsProxy {
  port: number
  /** Bytes that came through the TLS and went on to the game. */
  passed(): number
  /** Connections that began, whatever became of them. */
  tries(): number
  stop(): void
}

/** Takes TLS off and passes everything on to a port of this machine, as nginx or stunnel would. */
export async function tlsProxy({ key, cert }: Certificate, toPort: number): Promise<TlsProxy> {
  const sockets = new Set<Socket>()
  let passed = 0
  let tries = 0
  const keep = (socket: Socket, other?: Socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      sockets.delete(socket)
      other?.destroy()
    })
  }
  const server = createServer({ key, cert }, (client) => {
    const game = connect({ host: '127.0.0.1', port: toPort, noDelay: true })
    keep(client, game)
    keep(game, client)
    client.on('data', (chunk) => {
      passed += chunk.length
    })
    client.pipe(game).pipe(client)
  })
  server.on('connection', (raw: Socket) => {
    tries += 1
    raw.setNoDelay(true)
    keep(raw)
  })
  // A client that does not trust us says so in the handshake.
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    passed: () => passed,
    tries: () => tries,
    stop: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
