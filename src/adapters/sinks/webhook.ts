/**
 * Alerts as JSON to a URL. 2xx means taken; 408, 425, 429 and 5xx mean later; every other answer means never. No redirect
 * is followed: the URL is a secret, and the alert goes nowhere but where it points.
 */
import { type IncomingHttpHeaders, request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { type Sink, SinkError } from '../../ports/sink.ts'

export interface WebhookOptions {
  url: string
  /** Sent as `Authorization: Bearer …`. */
  token?: string
  /** Of the whole call. */
  timeoutMs: number
  /** PEM of an authority to trust besides the system's. */
  ca?: string
}

export function webhookSink(options: WebhookOptions): Sink {
  return {
    tell: (alert, signal) =>
      new Promise((resolve, reject) => {
        const url = urlOf(options.url)
        if (!url) return reject(new SinkError('refused', 'what its url holds is not an http:// or https:// URL'))
        if (options.token !== undefined && !/^[\x21-\x7e]+$/.test(options.token))
          return reject(new SinkError('refused', 'its token has signs in it that a header can not carry'))
        const { id, kind, text, subjects, incidents, at, durationMs } = alert
        const body = Buffer.from(JSON.stringify({ id, kind, text, subjects, incidents, at, durationMs }))
        const bound = AbortSignal.timeout(options.timeoutMs)
        const common = {
          method: 'POST',
          agent: false,
          headers: {
            'content-type': 'application/json',
            'content-length': body.length,
            'user-agent': 'towerwatch',
            ...(options.token !== undefined && { authorization: `Bearer ${options.token}` }),
          },
          signal: AbortSignal.any([signal, bound]),
        } as const
        const outgoing =
          url.protocol === 'https:'
            ? // Said aloud, because a variable of the environment can switch the check off.
              tlsRequest(url, { ...common, rejectUnauthorized: true, ...(options.ca !== undefined && { ca: options.ca }) })
            : plainRequest(url, common)
        outgoing.on('response', (response) => {
          const { statusCode = 0, headers } = response
          // What it says is of no interest, and may have no end.
          response.destroy()
          if (statusCode >= 200 && statusCode < 300) resolve()
          else reject(answered(statusCode, headers))
        })
        outgoing.on('error', (error) => {
          if (signal.aborted) reject(new SinkError('failed', 'it was called off'))
          else reject(new SinkError('failed', bound.aborted ? `no answer within ${options.timeoutMs / 1000} s` : sayError(error)))
        })
        outgoing.end(body)
      }),
  }
}

function urlOf(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  return url.protocol === 'https:' || url.protocol === 'http:' ? url : undefined
}

function answered(status: number, headers: IncomingHttpHeaders): SinkError {
  const isLater = status >= 500 || status === 408 || status === 425 || status === 429
  if (isLater) return new SinkError('failed', `it answered ${status}`, { retryAfterMs: retryAfterMs(headers) })
  if (status >= 300 && status < 400)
    return new SinkError('refused', `it answered ${status}, a redirect, which is not followed: set its url to where it leads`)
  return new SinkError('refused', `it answered ${status}`)
}

/** Seconds, or a date: that counts from the date of the answer, so that the clocks need not agree. */
function retryAfterMs(headers: IncomingHttpHeaders): number | undefined {
  const value = headers['retry-after']?.trim()
  if (value === undefined || value === '') return undefined
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000
  // Date.parse makes a date of almost anything.
  if (!value.endsWith(' GMT')) return undefined
  const ms = Date.parse(value) - Date.parse(headers.date ?? '')
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined
}

/** The code alone: the message of some errors names the host or more of the URL. */
function sayError(error: Error): string {
  const code = 'code' in error ? String(error.code) : ''
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'its name could not be looked up'
  if (code === 'ECONNREFUSED') return 'nobody listens there'
  if (/CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO/.test(code)) return `its certificate is not trusted (${code})`
  return code === '' ? 'the call failed' : `the call failed (${code})`
}
