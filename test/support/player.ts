/** A person at a telnet client: logs in, types lines, reads lines. Colours and telnet bytes are taken off. */
import { connect } from 'node:net'
import { stripVTControlCharacters } from 'node:util'
import type { GameAccount } from './evennia.ts'
import { until } from './until.ts'

export interface Player {
  /** Every line since the connection was made. */
  readonly lines: readonly string[]
  /** When each of `lines` came, by `performance.now()`. */
  readonly heardAtMs: readonly number[]
  send(line: string): void
  /** The first line that matches among those not looked through yet; waits for it. Lines before it are then behind. */
  hears(pattern: RegExp | string, withinMs?: number): Promise<string>
  /** How many of all lines match. */
  count(pattern: RegExp | string): number
  close(): void
}

const IAC = 255
const SB = 250
const SE = 240

/** Logs in and waits until the account is in its character. */
export async function playerAt(port: number, { account, password }: GameAccount): Promise<Player> {
  const player = await visitorAt(port)
  player.send(`connect ${account} ${password}`)
  await player.hears(/^You become /, 20_000)
  return player
}

/** Connects and waits for the greeting, without logging in. */
async function visitorAt(port: number): Promise<Player> {
  const lines: string[] = []
  const heardAtMs: number[] = []
  let seen = 0
  let rest = ''
  let pending: Buffer = Buffer.alloc(0)
  let ended: string | undefined
  const socket = connect({ host: '127.0.0.1', port })
  socket.setNoDelay(true)
  socket.on('error', (error) => (ended = error.message))
  socket.on('close', () => (ended ??= 'closed'))
  const decoder = new TextDecoder()
  socket.on('data', (chunk) => {
    const { text, answers, left } = withoutTelnet(Buffer.concat([pending, chunk]))
    pending = left
    if (answers.length > 0) socket.write(answers)
    const parts = (rest + stripVTControlCharacters(decoder.decode(text, { stream: true }))).split(/\r?\n/)
    rest = parts.pop() ?? ''
    lines.push(...parts)
    const nowMs = performance.now()
    for (const _ of parts) heardAtMs.push(nowMs)
  })

  const matches = (line: string, pattern: RegExp | string) => (typeof pattern === 'string' ? line.includes(pattern) : pattern.test(line))
  const player: Player = {
    lines,
    heardAtMs,
    send: (line) => void socket.write(`${line}\r\n`),
    hears: (pattern, withinMs = 20_000) =>
      until(
        () => {
          const index = lines.findIndex((line, number) => number >= seen && matches(line, pattern))
          if (index === -1 && ended !== undefined) throw new Error(`the connection ended: ${ended}`)
          if (index === -1) return undefined
          seen = index + 1
          return { line: lines[index] ?? '' }
        },
        { withinMs, what: () => `a line with ${pattern}; the last ones are:\n${lines.slice(-15).join('\n')}` },
      ).then(({ line }) => line),
    count: (pattern) => lines.filter((line) => matches(line, pattern)).length,
    close: () => socket.destroy(),
  }
  // Who is told that one is queued (two at a time is enough for that) is not known to the server: a login before the greeting is lost.
  const greets = (line: string) => line.trim() !== '' && !line.includes('DoS protection is active')
  await until(() => lines.some(greets), { withinMs: 20_000, what: 'the greeting' })
  return player
}

/** Takes telnet commands out of the text and says no to every offer; `left` is a command that has not come whole yet. */
function withoutTelnet(bytes: Buffer): { text: Buffer; answers: Buffer; left: Buffer } {
  const text: number[] = []
  const answers: number[] = []
  let index = 0
  while (index < bytes.length) {
    const byte = bytes[index] ?? 0
    if (byte !== IAC) {
      text.push(byte)
      index += 1
      continue
    }
    const command = bytes[index + 1]
    const option = bytes[index + 2]
    if (command === undefined) break
    if (command === SB) {
      const end = bytes.indexOf(Buffer.of(IAC, SE), index)
      if (end === -1) break
      index = end + 2
    } else if (command >= 251 && command <= 254) {
      if (option === undefined) break
      // WILL is answered by DONT, DO by WONT.
      if (command === 251) answers.push(IAC, 254, option)
      if (command === 253) answers.push(IAC, 252, option)
      index += 3
    } else {
      if (command === IAC) text.push(IAC)
      index += 2
    }
  }
  return { text: Buffer.from(text), answers: Buffer.from(answers), left: bytes.subarray(index) }
}
