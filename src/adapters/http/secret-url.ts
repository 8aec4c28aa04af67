/**
 * A call to a URL that is a secret itself: it goes nowhere but where it points (no redirect is followed, certificates are
 * checked), and no error of it names the URL.
 */
import { type IncomingHttpHeaders, request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'

export interface SecretCall {
  method: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: Buffer
  /** Of the whole call. */
  timeoutMs: number
  /** PEM of an authority to trust besides the system's. */
  ca?: string
  signal?: AbortSignal
}

/** No answer came. `message` is fit for the operator's log. */
export class SecretCallError extends Error {
  override name = 'SecretCallError'
}

/** Undefined where the text is no http:// or https:// URL. */
export function secretUrl(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  return url.protocol === 'https:' || url.protocol === 'http:' ? url : undefined
}

/** Resolves with the answer's status and headers, whatever they are. Rejects with SecretCallError. */
export function callSecretUrl(url: URL, call: SecretCall): Promise<{ status: number; headers: IncomingHttpHeaders }> {
  return new Promise((resolve, reject) => {
    const bound = AbortSignal.timeout(call.timeoutMs)
    const { body } = call
    const common = {
      method: call.method,
      agent: false,
      headers: { 'user-agent': 'towerwatch', ...call.headers, ...(body && { 'content-length': body.length }) },
      signal: call.signal ? AbortSignal.any([call.signal, bound]) : bound,
    } as const
    const outgoing =
      url.protocol === 'https:'
        ? // Said aloud, because a variable of the environment can switch the check off.
          tlsRequest(url, { ...common, rejectUnauthorized: true, ...(call.ca !== undefined && { ca: call.ca }) })
        : plainRequest(url, common)
    outgoing.on('response', (response) => {
      const { statusCode: status = 0, headers } = response
      // What it says is of no interest, and may have no end.
      response.destroy()
      resolve({ status, headers })
    })
    outgoing.on('error', (error) =>
      reject(new SecretCallError(bound.aborted ? `no answer within ${call.timeoutMs / 1000} s` : sayError(error))),
    )
    outgoing.end(body)
  })
}

/** The code alone: the message of some errors names the host or more of the URL. */
function sayError(error: Error): string {
  const code = 'code' in error ? String(error.code) : ''
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'its name could not be looked up'
  if (code === 'ECONNREFUSED') return 'nobody listens there'
  if (/CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO/.test(code)) return `its certificate is not trusted (${code})`
  return code === '' ? 'the call failed' : `the call failed (${code})`
}
