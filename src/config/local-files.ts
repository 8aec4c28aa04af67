/** Files of this machine that fleet.yaml names. Without zod, so that `towerwatch beat` may start quickly. */
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { codeOf } from '../domain/failure.ts'

/** Paths in `file`: absolute, under "~/", or relative to its folder. */
export function localPathFrom(file: string): (text: string) => string {
  return (text) => (text.startsWith('~/') ? join(homedir(), text.slice(2)) : isAbsolute(text) ? text : resolve(dirname(file), text))
}

const PEM_CERTIFICATE = /-----BEGIN (TRUSTED )?CERTIFICATE-----[\sA-Za-z0-9+/=]+-----END/

/** The certificates in `file`, which is absolute, or what is wrong with it. */
export function readAuthority(file: string): { pem: string } | { fault: string } {
  const read = readText(file)
  if ('fault' in read) return read
  // A private key would be taken without a word, and then nobody would be trusted.
  return PEM_CERTIFICATE.test(read.text) ? { pem: read.text } : { fault: `${file} is no certificate in PEM form` }
}

/** The secret, or which of the keys is at fault and why. `path` is that of `localPathFrom`. */
export function readSecret(
  source: { env: string } | { file: string },
  path: (text: string) => string,
  env: Record<string, string | undefined>,
): { value: string } | { key: 'env' | 'file'; fault: string } {
  if ('env' in source) {
    const value = env[source.env]
    if (value === undefined || value === '') return { key: 'env', fault: `the environment variable ${source.env} is not set` }
    return { value }
  }
  const file = path(source.file)
  const read = readText(file)
  if ('fault' in read) return { key: 'file', ...read }
  const value = read.text.trim()
  return value === '' ? { key: 'file', fault: `${file} is empty` } : { value }
}

function readText(file: string): { text: string } | { fault: string } {
  try {
    return { text: readFileSync(file, 'utf8') }
  } catch (error) {
    return { fault: `${file} can't be read: ${codeOf(error)}` }
  }
}
