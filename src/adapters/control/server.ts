/** How the shell reaches a running watch: HTTP over a Unix socket that only its user can open. It is the lock of the ledger, too. */
import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { messageOf } from '../../domain/failure.ts'
import { type ControlOutcome, type ControlRequest, controlRequest } from './messages.ts'

const maxRequestBytes = 64 * 1024
const mostUnreadBytes = 16 * 1024 * 1024

/** `away` fires when the client goes away before it was answered. */
export type ControlHandler = (request: ControlRequest, progress: (line: string) => void, away: AbortSignal) => Promise<ControlOutcome>

/** Tells lines until it is stopped. Undefined: there is nothing to record yet. */
export type RecordHandler = (tell: (line: object) => void) => { stop(): void } | undefined

export class AlreadyRunningError extends Error {
  override name = 'AlreadyRunningError'
}

/** Listens. Rejects with AlreadyRunningError where another watch answers on this socket already. */
export async function startControlServer(
  path: string,
  handle: ControlHandler,
  record: RecordHandler = () => undefined,
): Promise<{ stop(): Promise<void> }> {
  prepareFolder(dirname(path))
  if (await answers(path)) throw new AlreadyRunningError(`another watch is running already (it answers on ${path})`)
  rmSync(path, { force: true })
  const server = createServer((request, response) => {
    if (request.method === 'POST' && request.url === '/record') serveRecord(request, response, record)
    else void serve(request, response, handle)
  })
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
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    // Anything else than "nobody is there" (no permission, a queue that is full) is no leave to take the socket away.
    socket.once('error', (error) => {
      const code = 'code' in error ? String(error.code) : ''
      if (['ENOENT', 'ECONNREFUSED', 'ENOTSOCK'].includes(code)) resolve(false)
      else reject(new AlreadyRunningError(`another watch may be running already (${path}: ${error.message})`))
    })
  })
}

async function serve(request: IncomingMessage, response: ServerResponse, handle: ControlHandler): Promise<void> {
  // A client that went away in the middle changes nothing: the operation is carried to its end, unless it is only to be read.
  response.on('error', () => {})
  const away = new AbortController()
  response.on('close', () => away.abort())
  const parsed = request.method === 'POST' && request.url === '/operations' ? controlRequest.safeParse(await readJson(request)) : undefined
  if (!parsed?.success) {
    response
      .writeHead(400, { 'content-type': 'text/plain' })
      .end('This is no request that the watch knows. Is the towerwatch command of the same version?\n')
    return
  }
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  const tell = (progress: string) => void response.write(`${JSON.stringify({ progress })}\n`)
  const { status, lines, data, isWrongInput } = await handled((request) => handle(request, tell, away.signal), parsed.data)
  // No more than the shell knows: it takes an outcome that says something else for none at all.
  response.end(`${JSON.stringify({ outcome: { status, lines, data, isWrongInput } })}\n`)
}

/** Lines until the client goes away. One that reads too slowly is cut off: the watch keeps nothing in memory for it. */
function serveRecord(request: IncomingMessage, response: ServerResponse, record: RecordHandler): void {
  response.on('error', () => {})
  request.resume()
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  response.flushHeaders()
  const recording = record((line) => {
    if (response.writableLength > mostUnreadBytes) response.destroy()
    else response.write(`${JSON.stringify({ line })}\n`)
  })
  if (!recording) response.end()
  response.on('close', () => recording?.stop())
}

/** A handler that breaks must not take the watch with it. */
async function handled(handle: (request: ControlRequest) => Promise<ControlOutcome>, request: ControlRequest): Promise<ControlOutcome> {
  try {
    return await handle(request)
  } catch (error) {
    return {
      status: 'failed',
      lines: [`${request.operation} broke inside the watch: ${messageOf(error)}`],
    }
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = ''
  let isTooLong = false
  try {
    request.setEncoding('utf8')
    for await (const chunk of request) {
      // Read to its end all the same: who is cut off in the middle of asking never reads why.
      if (text.length + chunk.length > maxRequestBytes) isTooLong = true
      else text += chunk
    }
    return isTooLong ? undefined : JSON.parse(text)
  } catch {
    // Not JSON, or cut off: no request.
    return undefined
  }
}
