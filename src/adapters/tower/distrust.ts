/** Why the certificate of a wss:// Tower is not accepted, in a sentence that names the place and the remedy. */
import { oneLine } from './one-line.ts'

/** Codes of OpenSSL and Node for a chain that leads to nobody whom we trust. */
const UNVOUCHED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'INVALID_CA',
])
/** OpenSSL's words where the other side speaks plain HTTP or telnet; Node's code, EPROTO, says only that something was wrong. */
const NO_TLS = /wrong version number|packet length too long|http request/i

/** Undefined where the error has nothing to do with trust. Never throws. */
export function sayDistrust(error: Error, tower: { url: string; ca?: string }): string | undefined {
  const code = 'code' in error ? String(error.code) : ''
  const place = `The certificate of ${tower.url}`
  if (UNVOUCHED.has(code))
    return tower.ca === undefined
      ? `${place} is vouched for by nobody whom this machine trusts (${error.message}). Name its authority in fleet.yaml, tower.ca, if it is your own.`
      : `${place} was not signed by the authority in tower.ca of fleet.yaml (${error.message}). Name the one that signed it.`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `${place} is for another name (${namesIn(error)}). Use a name that it holds in tower.url of fleet.yaml, or give the game's proxy one for this name.`
  if (code === 'CERT_HAS_EXPIRED') return `${place} has expired. Renew it where the game's TLS proxy has it.`
  if (code === 'CERT_NOT_YET_VALID') return `${place} is not valid yet. Look at the clock of this machine, then at the certificate.`
  if (code === 'CERT_REVOKED') return `${place} was revoked. Renew it where the game's TLS proxy has it.`
  if (code === 'EPROTO' && NO_TLS.test(error.message))
    return `There is no TLS at ${tower.url}. Put a proxy with TLS in front of the game and name its port in tower.url of fleet.yaml.`
  return undefined
}

/** "DNS:tower.example.org": what the certificate says of itself, which is outside text. */
function namesIn(error: Error): string {
  const cert = 'cert' in error ? error.cert : undefined
  const names = typeof cert === 'object' && cert !== null && 'subjectaltname' in cert ? cert.subjectaltname : undefined
  return typeof names === 'string' ? oneLine(names, 120) : 'it names none'
}
