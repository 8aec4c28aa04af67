/**
 * Alerts as JSON to a URL. 2xx means taken; 408, 425, 429 and 5xx mean later; every other answer means never. No redirect
 * is followed: the URL is a secret, and the alert goes nowhere but where it points.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { type Sink, SinkError } from '../../ports/sink.ts'
import { callSecretUrl, SecretCallError, secretUrl } from './secret-url.ts'

export interface WebhookOptions {
  url: string
  /** Sent as `Authorization: Bearer …`. */
  token?: string
  /** Of the whole call. */
  timeoutMs: number
  /** PEM of an authority to trust besides the system's. */
  ca?: string
}

export function webhookSink({ url: text, token, timeoutMs, ca }: WebhookOptions): Sink {
  return {
    tell: async (alert, signal) => {
      const url = secretUrl(text)
      if (!url) throw new SinkError('refused', 'what its url holds is not an http:// or https:// URL')
      if (token !== undefined && !/^[\x21-\x7e]+$/.test(token))
        throw new SinkError('refused', 'its token has signs in it that a header can not carry')
      const { id, kind, text: sentence, subjects, incidents, at, durationMs } = alert
      const body = Buffer.from(JSON.stringify({ id, kind, text: sentence, subjects, incidents, at, durationMs }))
      const headers = { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) }
      try {
        const answer = await callSecretUrl(url, { method: 'POST', headers, body, timeoutMs, signal, ...(ca !== undefined && { ca }) })
        if (answer.status < 200 || answer.status >= 300) throw answered(answer.status, answer.headers)
      } catch (error) {
        if (!(error instanceof SecretCallError)) throw error
        throw new SinkError('failed', signal.aborted ? 'it was called off' : error.message)
      }
    },
  }
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
