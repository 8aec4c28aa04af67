/**
 * An outside dead man's switch over HTTP, of the kind that Healthchecks made usual: GET of the URL is "well", GET of
 * `<url>/fail` is "failed". No redirect is followed: the URL is a secret, and goes nowhere but where it points.
 */
import { request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { type Outside, OutsideError } from '../../ports/outside.ts'

export interface HttpOutsideOptions {
  url: string
  /** Of the whole call. */
  timeoutMs: number
  /** PEM of an authority to trust besides the system's. */
  ca?: string
}

export function httpOutside(options: HttpOutsideOptions): Outside {
  return {
    call: (what, signal) =>
      new Promise((resolve, reject) => {
        const url = urlOf(options.url, what)
        if (url === undefined) return reject(new OutsideError('what deadman.ping holds is not an http:// or https:// URL'))
        const bound = AbortSignal.timeout(options.timeoutMs)
        const common = {
          method: 'GET',
          agent: false,
          headers: { 'user-agent': 'towerwatch' },
          signal: signal ? AbortSignal.any([signal, bound]) : bound,
        } as const
        const outgoing =
          url.protocol === 'https:'
            ? // Said aloud, because a variable of the environment can switch the check off.
              tlsRequest(url, { ...common, rejectUnauthorized: true, ...(options.ca !== undefined && { ca: options.ca }) })
            : plainRequest(url, common)
        outgoing.on('response', (response) => {
          const { statusCode = 0 } = response
          // What it says is of no interest, and may have no end.
          response.destroy()
          if (statusCode >= 200 && statusCode < 300) resolve()
          else reject(new OutsideError(sayStatus(statusCode)))
        })
        outgoing.on('error', (error) => reject(new OutsideError(bound.aborted ? sayTimeout(options.timeoutMs) : sayError(error))))
        outgoing.end()
      }),
  }
}

function urlOf(text: string, what: 'well' | 'failed'): URL | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined
  if (what === 'failed') url.pathname = `${url.pathname.replace(/\/+$/, '')}/fail`
  return url
}

function sayStatus(status: number): string {
  if (status >= 300 && status < 400) return `it answered ${status}, a redirect, which is not followed: set deadman.ping to where it leads`
  if (status === 404 || status === 410) return `it answered ${status}: is deadman.ping still its address?`
  return `it answered ${status}`
}

const sayTimeout = (timeoutMs: number): string => `no answer within ${timeoutMs / 1000} s`

/** The code alone: the message of some errors names the host or more of the URL. */
function sayError(error: Error): string {
  const code = 'code' in error ? String(error.code) : ''
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'its name could not be looked up'
  if (code === 'ECONNREFUSED') return 'nobody listens there'
  if (/CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO/.test(code)) return `its certificate is not trusted (${code})`
  return code === '' ? 'the call failed' : `the call failed (${code})`
}
