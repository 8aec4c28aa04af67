/** A client for the tests of the beats' server: whole answers, over sockets that say exactly what they are told. */
import { once } from 'node:events'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'

export interface Answer {
  status: number
  text: string
  headers: Record<string, string | string[] | undefined>
}

export interface Post {
  method?: string
  token?: string
  body?: string | Uint8Array
  headers?: Record<string, string>
}

/** Resolves with the answer; rejects where the connection ends without one. */
export function post(url: string, { method = 'POST', token, body, headers = {} }: Post = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      { method, agent: false, headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers } },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8'), headers: response.headers }),
        )
        response.on('error', reject)
      },
    )
    outgoing.on('error', reject)
    // As bytes: Node would encode the head like a body of text, which puts out a token beyond ASCII.
    outgoing.end(body === undefined ? undefined : Buffer.from(body))
  })
}

/** A connection that says nothing by itself. */
export async function rawConnection(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  // A server that cuts it off may do so with a reset.
  socket.on('error', () => {})
  return socket
}

/** All that comes until the other side ends the connection. */
export function heardOn(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  return new Promise((resolve) => socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1'))))
}
