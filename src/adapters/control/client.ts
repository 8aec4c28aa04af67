/** The shell's side of the control socket. */
import { request } from 'node:http'
import { createInterface } from 'node:readline'
import { type ControlOutcome, type ControlRequest, controlLine, recordLine } from './messages.ts'

/** No watch answers on the socket. */
export class NotRunningError extends Error {
  override name = 'NotRunningError'
}

/**
 * Asks the running watch; `progress` gets its lines as they come. Rejects with NotRunningError, or Error where it broke off
 * or `signal` fired: then the watch carries the operation to its end all the same.
 */
export function askWatch(
  path: string,
  asked: ControlRequest,
  progress: (line: string) => void,
  signal?: AbortSignal,
): Promise<ControlOutcome> {
  return new Promise((resolve, reject) => {
    const brokenOff = () =>
      new Error(
        signal?.aborted
          ? 'Interrupted. What was asked for goes on in the watch.'
          : 'The watch stopped before it had answered; its log says why.',
      )
    const outgoing = request(
      { socketPath: path, path: '/operations', method: 'POST', headers: { 'content-type': 'application/json' }, ...(signal && { signal }) },
      (response) => {
        if (response.statusCode !== 200) {
          response.resume()
          reject(new Error('The running watch does not know this request: is the towerwatch command of the same version?'))
          return
        }
        let outcome: ControlOutcome | undefined
        const lines = createInterface({ input: response })
        lines.on('line', (text) => {
          const line = parseLine(text)
          if (!line) return
          if ('progress' in line) progress(line.progress)
          else outcome = line.outcome
        })
        lines.on('close', () => (outcome ? resolve(outcome) : reject(brokenOff())))
        // What is told of it is told when the lines end, right after.
        for (const stream of [response, lines]) stream.on('error', () => {})
      },
    )
    outgoing.on('error', (error) => {
      const code = 'code' in error ? error.code : ''
      if (code === 'ENOENT' || code === 'ECONNREFUSED') reject(notRunning(path))
      else reject(signal?.aborted || code === 'ECONNRESET' || code === 'EPIPE' ? brokenOff() : error)
    })
    outgoing.end(JSON.stringify(asked))
  })
}

/**
 * Listens to what the running watch sees, line by line, until `signal` fires or the watch stops. Resolves with which of them it
 * was; rejects with NotRunningError.
 */
export function recordWatch(path: string, hear: (line: Record<string, unknown>) => void, signal: AbortSignal): Promise<'asked' | 'watch'> {
  return new Promise((resolve, reject) => {
    const over = () => resolve(signal.aborted ? 'asked' : 'watch')
    const outgoing = request({ socketPath: path, path: '/record', method: 'POST', signal }, (response) => {
      if (response.statusCode !== 200) {
        response.resume()
        reject(new Error('The running watch does not know how to record: is the towerwatch command of the same version?'))
        return
      }
      const lines = createInterface({ input: response })
      lines.on('line', (text) => {
        const line = parseRecordLine(text)
        if (line) hear(line)
      })
      // Of a connection that broke off, readline says nothing.
      response.on('close', over)
      // What is told of it is told when the lines end, right after.
      for (const stream of [response, lines]) stream.on('error', () => {})
    })
    outgoing.on('error', (error) => {
      const code = 'code' in error ? error.code : ''
      if (code === 'ENOENT' || code === 'ECONNREFUSED') reject(notRunning(path))
      else if (signal.aborted || code === 'ECONNRESET' || code === 'EPIPE') over()
      else reject(error)
    })
    outgoing.end()
  })
}

function parseRecordLine(text: string): Record<string, unknown> | undefined {
  try {
    return recordLine.safeParse(JSON.parse(text)).data?.line
  } catch {
    // A line that was cut off with the connection.
    return undefined
  }
}

const notRunning = (path: string) => new NotRunningError(`No watch is running here (nothing answers on ${path}).`)

function parseLine(text: string) {
  try {
    const parsed = controlLine.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data : undefined
  } catch {
    // A line that was cut off with the connection.
    return undefined
  }
}
