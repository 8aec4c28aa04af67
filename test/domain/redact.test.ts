import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { redact, redactLines } from '../../src/domain/redact.ts'

const runs = Number(process.env['TOWERWATCH_RUNS'] ?? 3_000)

/** Secrets as they are made, and where in a line each of them turns up. */
const word = (alphabet: string, least: number, most: number) =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength: least, maxLength: most })
const lower = 'abcdefghijklmnopqrstuvwxyz'
const alnum = `${lower}${lower.toUpperCase()}0123456789`
const prefixed = fc
  .tuple(
    fc.constantFrom(
      'sk-',
      'sk-ant-api03-',
      'sk-proj-',
      'sk-or-v1-',
      'ghp_',
      'gho_',
      'github_pat_',
      'glpat-',
      'xoxb-',
      'hf_',
      'gsk_',
      'npm_',
      'AIza',
    ),
    word(alnum, 32, 60),
  )
  .map(([prefix, rest]) => prefix + rest)
const telegram = fc.tuple(word('123456789', 9, 10), word(alnum, 35, 35)).map(([id, rest]) => `${id}:${rest}`)
const jwt = fc.tuple(word(alnum, 12, 40), word(alnum, 12, 60), word(alnum, 20, 43)).map((parts) => `eyJ${parts.join('.')}`)
const opaque = fc.oneof(word('0123456789abcdef', 20, 64), word(`${alnum}+/`, 12, 64), word(`${alnum}!$%^*()#~.`, 12, 40))

const names = fc.constantFrom(
  'api_key',
  'API_KEY',
  'apiKey',
  'OPENAI_API_KEY',
  'token',
  'TELEGRAM_BOT_TOKEN',
  'access_token',
  'secret',
  'client_secret',
  'password',
  'PASSWORD',
  'db.password',
  'passwd',
  'private_key',
  'credential',
  'auth',
  'x-api-key',
  'AWS_SECRET_ACCESS_KEY',
  'webhook_url_secret',
)
const named = fc.constantFrom<(name: string, secret: string) => string>(
  (name, secret) => `${name}=${secret}`,
  (name, secret) => `export ${name}="${secret}"`,
  (name, secret) => `${name}: ${secret}`,
  (name, secret) => `  ${name}: '${secret}'`,
  (name, secret) => `{"model": "x", "${name}": "${secret}", "n": 1}`,
  (name, secret) => `ERROR bad config {\\"${name}\\": \\"${secret}\\"}`,
  (name, secret) => `Settings(${name}='${secret}', retries=3)`,
  (name, secret) => `{'${name}': '${secret}'}`,
  (name, secret) => `GET https://x.example/v1?a=1&${name}=${secret}&b=2 401`,
  (name, secret) => `run --${name.replaceAll('_', '-').toLowerCase()} ${secret} --verbose`,
  (name, secret) => `${name} := "${secret}"`,
)
const anywhere = fc.constantFrom<(secret: string) => string>(
  (secret) => `401 Incorrect API key provided: ${secret}. You can find yours at …`,
  (secret) => `Authorization: Bearer ${secret}`,
  (secret) => `headers={'authorization': 'Bearer ${secret}', 'accept': '*/*'}`,
  (secret) => `using ${secret} now`,
  (secret) => `[${secret}]`,
  (secret) => `curl -H "Authorization: Bearer ${secret}" https://x.example`,
)
const inUrl = fc.constantFrom<(secret: string) => string>(
  (secret) => `postgres://agent:${secret}@db.example:5432/agents refused`,
  (secret) => `cloning https://ezra:${secret}@git.example/x.git`,
  (secret) => `redis://:${secret}@127.0.0.1/0`,
)

/** No eight characters of it in a row. */
function leaks(text: string, secret: string): string | undefined {
  for (let at = 0; at + 8 <= secret.length; at++) {
    const part = secret.slice(at, at + 8)
    if (text.includes(part)) return part
  }
  return undefined
}
const filler = fc.string({ unit: fc.constantFrom(...'abc xyz 123 :=,."-'), maxLength: 30 })

describe('redacting', () => {
  it('lets no secret of a common form survive behind its name', () => {
    fc.assert(
      fc.property(names, fc.oneof(prefixed, telegram, jwt, opaque), named, filler, (name, secret, form, before) => {
        const line = `${before} ${form(name, secret)}`
        expect(leaks(redact(line), secret), `${line} → ${redact(line)}`).toBeUndefined()
      }),
      { numRuns: runs },
    )
  })

  it('lets no token survive that is known by how it begins, wherever it stands', () => {
    fc.assert(
      fc.property(fc.oneof(prefixed, telegram, jwt), anywhere, filler, (secret, form, before) => {
        const line = `${before} ${form(secret)}`
        expect(leaks(redact(line), secret), `${line} → ${redact(line)}`).toBeUndefined()
      }),
      { numRuns: runs },
    )
  })

  it('lets no password in a URL survive', () => {
    fc.assert(
      fc.property(word(`${alnum}!$*()~.@:_-`, 8, 40), inUrl, (secret, form) => {
        expect(leaks(redact(form(secret)), secret), `${form(secret)} → ${redact(form(secret))}`).toBeUndefined()
      }),
      { numRuns: runs },
    )
  })

  it('never throws, ends soon on any text, and finds nothing more in what it left', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        const once = redact(text)
        expect(typeof once).toBe('string')
      }),
      { numRuns: runs },
    )
    for (const part of ['a', 'key=', '"', '-', '://', 'sk-', 'eyJa.', 'A:', ' '])
      expect(redact(part.repeat(4_000)).length).toBeGreaterThan(0)
  })

  it.each([
    ['2026-11-23 08:45:35,330 INFO gateway.run: Exiting with code 1', undefined],
    ['PermissionError: [Errno 13] /home/agents/.hermes/config.yaml', undefined],
    ['max_tokens=4096 total_tokens: 1200', undefined],
    ['commit 0194d0f1a2b3c4d5e6f708192a3b4c5d6e7f8091', undefined],
    ['http://127.0.0.1:8787/health 200', undefined],
    ['model.default = qwen3, provider: custom', undefined],
    ['password: correct horse battery', 'password: [secret]'],
    ['https://agent:hunter2@git.example/x', 'https://agent:[secret]@git.example/x'],
    ['token is abc1234', 'token is [secret]'],
    ['run --db.password abcdefgh', 'run --db.password [secret]'],
    ['API_KEY="a\\"b" and more', 'API_KEY=[secret] and more'],
  ])('makes of %j what is to be shown', (line, wanted) => {
    expect(redact(line)).toBe(wanted ?? line)
  })

  it('leaves out a private key from its first line to its last', () => {
    const lines = ['before', '-----BEGIN OPENSSH PRIVATE KEY-----', 'b3BlbnNzaC1rZXk', 'AAAA', '-----END OPENSSH PRIVATE KEY-----', 'after']
    expect(redactLines(lines)).toEqual(['before', '[secret]', '[secret]', '[secret]', '[secret]', 'after'])
    expect(redactLines(lines.slice(0, 3))).toEqual(['before', '[secret]', '[secret]'])
  })
})
