/** How the shell reaches a running watch: HTTP over a Unix socket that only its user can open. It is the lock of the ledger, too. */
import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { type ControlOutcome, type ControlRequest, controlRequest } from './messages.ts'

const maxRequestBytes = 64 * 1024

export type ControlHandler = (request: ControlRequest, progress: (line: string) => void) => Promise<ControlOutcome>

export class AlreadyRunningError extends Error {
  override name = 'AlreadyRunningError'
}

/** Listens. Rejects with AlreadyRunningError where another watch answers on this socket already. */
export async function startControlServer(path: string, handle: ControlHandler): Promise<{ stop(): Promise<void> }> {
  prepareFolder(dirname(path))
  if (await answers(path)) throw new AlreadyRunningError(`another watch is running already (it answers on ${path})`)
  rmSync(path, { force: true })
  const server = createServer((request, response) => void serve(request, response, handle))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  chmodSync(path, 0o600)
  return {
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function prepareFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const { uid } = lstatSync(folder)
  // In a shared temporary folder somebody else may have been there first.
  if (process.getuid && uid !== process.getuid())
    throw new Error(`${folder} belongs to another user: remove it, or name another state folder`)
  chmodSync(folder, 0o700)
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

async function serve(request: IncomingMessage, response: ServerResponse, handle: ControlHandler): Promise<void> {
  // A client that went away in the middle changes nothing: the operation is carried to its end.
  response.on('error', () => {})
  const parsed = request.method === 'POST' && request.url === '/operations' ? controlRequest.safeParse(await readJson(request)) : undefined
  if (!parsed?.success) {
    response
      .writeHead(400, { 'content-type': 'text/plain' })
      .end('This is no request that the watch knows. Is the towerwatch command of the same version?\n')
    return
  }
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  const outcome = await handle(parsed.data, (progress) => response.write(`${JSON.stringify({ progress })}\n`))
  response.end(`${JSON.stringify({ outcome })}\n`)
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = ''
  try {
    for await (const chunk of request) {
      text += chunk
      if (text.length > maxRequestBytes) return undefined
    }
    return JSON.parse(text)
  } catch {
    // Not JSON, or cut off: no request.
    return undefined
  }
}
