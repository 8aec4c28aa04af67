/**
 * An outside dead man's switch over HTTP, of the kind that Healthchecks made usual: GET of the URL is "well", GET of
 * `<url>/fail` is "failed". No redirect is followed: the URL is a secret, and goes nowhere but where it points.
 */
import { type Outside, OutsideError } from '../../ports/outside.ts'
import { callSecretUrl, SecretCallError, secretUrl } from './secret-url.ts'

export interface HttpOutsideOptions {
  url: string
  /** Of the whole call. */
  timeoutMs: number
  /** PEM of an authority to trust besides the system's. */
  ca?: string
}

export function httpOutside({ url: text, timeoutMs, ca }: HttpOutsideOptions): Outside {
  return {
    call: async (what, signal) => {
      const url = secretUrl(text)
      if (url === undefined) throw new OutsideError('what deadman.ping holds is not an http:// or https:// URL')
      if (what === 'failed') url.pathname = `${url.pathname.replace(/\/+$/, '')}/fail`
      try {
        const { status } = await callSecretUrl(url, {
          method: 'GET',
          timeoutMs,
          ...(ca !== undefined && { ca }),
          ...(signal && { signal }),
        })
        if (status < 200 || status >= 300) throw new OutsideError(sayStatus(status))
      } catch (error) {
        if (error instanceof SecretCallError) throw new OutsideError(error.message)
        throw error
      }
    },
  }
}

function sayStatus(status: number): string {
  if (status >= 300 && status < 400) return `it answered ${status}, a redirect, which is not followed: set deadman.ping to where it leads`
  if (status === 404 || status === 410) return `it answered ${status}: is deadman.ping still its address?`
  return `it answered ${status}`
}
