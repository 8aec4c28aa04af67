/**
 * Secrets taken out of what agents write about themselves, before it is shown to anybody: logs hold keys sooner or later. What
 * is left must still tell why an agent died, so only what looks like a secret goes; where in doubt it goes, too.
 *
 * The rules, and where they come from:
 * - a value behind a name that names a secret (`api_key=…`, `"token": "…"`, `--password …`): the names are those of OWASP's
 *   Logging Cheat Sheet ("Data to exclude") and of the settings of Hermes and of the providers that it speaks to;
 * - `Authorization` and `Cookie` headers (RFC 9110, 6265), `Bearer` and `Basic` credentials (RFC 6750, 7617);
 * - the password in a URL (RFC 3986, userinfo);
 * - tokens that are known by how they begin, as their makers document them for secret scanners: OpenAI and Anthropic, Stripe,
 *   GitHub, GitLab, Slack, AWS, Google, Hugging Face, Groq, npm, PyPI, SendGrid, Telegram, JSON Web Tokens;
 * - private keys in PEM form (RFC 7468);
 * - anything long and mixed on a line that speaks of keys.
 */

const mark = '[secret]'

/** `lines` follow one another: a private key goes over several. Each is redacted before anybody cuts it: half a secret is one. */
export function redactLines(lines: readonly string[]): string[] {
  let isInKey = false
  return lines.map((line) => {
    if (/-----BEGIN [A-Z ]{0,40}PRIVATE KEY/.test(line)) isInKey = true
    if (!isInKey) return redact(line)
    if (/-----END [A-Z ]{0,40}PRIVATE KEY/.test(line)) isInKey = false
    return mark
  })
}

/** One line of text, without control characters. */
export function redact(line: string): string {
  let found = line
  for (const [pattern, by] of known) found = found.replace(pattern, by)
  found = withoutValues(found)
  return speaksOfKeys.test(line) ? found.replace(longWord, (word) => (isMixed(word) ? mark : word)) : found
}

/** No part of any can match without end: what is searched through comes from outside. */
const known: readonly [RegExp, string][] = [
  // The last `@` counts: a password may hold one.
  [/\b([a-z][a-z0-9+.-]{1,30}:\/\/)([^\s/@:"'<>]{0,200}):[^\s"'<>]{1,400}@/gi, `$1$2:${mark}@`],
  [/\b([a-z][a-z0-9+.-]{1,30}:\/\/)[^\s/@:"'<>]{16,400}@/gi, `$1${mark}@`],
  [/\b(bearer|basic)(\s{1,4})[A-Za-z0-9+/_=.~-]{6,4000}/gi, `$1$2${mark}`],
  [/\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{8,400}/g, mark],
  [/\bgh[a-z]_[A-Za-z0-9]{16,400}|\bgithub_pat_\w{16,400}|\bglpat-[\w-]{16,400}/g, mark],
  [/\bxox[a-z]-[\w-]{8,400}|\bxapp-[\w-]{8,400}/g, mark],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{12,60}|\bAIza[\w-]{20,100}|\bya29\.[\w-]{16,600}/g, mark],
  [/\b(?:hf|gsk|npm|r8|pplx|xai|nvapi|tvly|fw)[-_][A-Za-z0-9_-]{16,400}|\bpypi-[\w-]{16,400}|\bSG\.[\w-]{8,100}\.[\w-]{8,100}/g, mark],
  [/\beyJ[\w-]{8,4000}\.[\w-]{4,4000}(?:\.[\w-]{0,4000})?/g, mark],
  [/\b\d{6,14}:[A-Za-z0-9_-]{30,100}/g, mark],
  [/\bAGE-SECRET-KEY-1[A-Z0-9]{20,100}/g, mark],
]

/** A name, as far as it may be one, and what stands between it and its value. */
const nameAndSign = /([A-Za-z_][\w.-]{0,80})([\\"'`\]]{0,4}\s{0,4}(?::=|=>|[:=])\s{0,4})/g
/** `--token abc`, `--db.password abc`, `password is abc1`. */
const nameAndBlank = /(--?[A-Za-z][\w.-]{0,80}|\b(?:password|passwd|passphrase|token|secret|api[ _-]?key))(\s{1,4}(?:is\s{1,4})?)/gi

function withoutValues(line: string): string {
  return replaceValues(replaceValues(line, nameAndSign, isSecretName), nameAndBlank, (name, value) =>
    name.startsWith('-') ? isSecretName(name, value) && !value.startsWith('-') : /\d/.test(value) && value.length >= 6,
  )
}

function replaceValues(line: string, pattern: RegExp, isSecret: (name: string, value: string) => boolean): string {
  let told = ''
  let at = 0
  for (const match of line.matchAll(pattern)) {
    const [all, name = ''] = match
    const from = match.index + all.length
    if (match.index < at) continue
    const value = valueAt(line, from, name)
    if (value === '' || value.includes(mark) || !isSecret(name, value)) continue
    told += line.slice(at, from) + mark
    at = from + value.length
  }
  return told + line.slice(at)
}

/** To the closing quote, where there is one; else to where a value usually ends. */
function valueAt(line: string, from: number, name: string): string {
  const rest = line.slice(from)
  const quote = /^\\{0,4}(["'`])/.exec(rest)
  if (quote) {
    const inner = quote[0].length
    const end = closing(rest, inner, quote[1] ?? '"', quote[0].startsWith('\\'))
    return rest.slice(0, end)
  }
  // Headers, and passwords of several words.
  if (/authorization|cookie|passw|passphrase/i.test(name)) return rest
  return /^[^\s,;&"'`]*/.exec(rest)?.[0] ?? ''
}

/** Where a quoted value ends, its quote included; a quote after a backslash is a part of it, unless the first one had one, too. */
function closing(text: string, from: number, quote: string, isEscaped: boolean): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\' && !isEscaped) at++
    else if (text[at] === quote) return at + 1
  }
  return text.length
}

function isSecretName(name: string, value: string): boolean {
  const plain = name.toLowerCase().replace(/[^a-z0-9]/g, '')
  // How many tokens a model was given is no secret.
  if (/tokens$|tokencount|tokenlimit/.test(plain) && /^\d+$/.test(value)) return false
  return /key$|apikey|secret|token|passw|passphrase|pwd|credential|authorization|^auth$|bearer|cookie|session$|sessionid|signature|dsn$|webhook/.test(
    plain,
  )
}

const speaksOfKeys = /key|token|secret|passw|credential|auth|bearer|cookie|signature/i
const longWord = /[A-Za-z0-9+/_=-]{20,4000}/g

/** Hexadecimal, or letters of both cases with digits; a path or a word of a program is neither. */
function isMixed(word: string): boolean {
  if (/^[0-9a-f]+$/i.test(word)) return /\d/.test(word)
  return /\d/.test(word) && /[a-z]/.test(word) && /[A-Z]/.test(word)
}
