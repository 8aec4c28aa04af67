/**
 * Hostile texts as whoever had taken over the watch could send them to a gate by hand: in every line of a declaration, in the
 * name of a pane, as words of a request. Each is refused, or held for a plain value; the gate goes on, or ends.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { gateScript } from '../../src/adapters/hosts/gate-script.ts'
import { until } from '../support/until.ts'
import { type Canary, openCanary, shells } from './canary.ts'
import { corpusSize, hostileTexts, patienceMs } from './corpus.ts'

const nonce = '00112233445566778899aabbccddeeff'
const declarations = corpusSize(300)
/** Each of these ends its gate. */
const requests = Math.min(200, corpusSize(6))

describe.each(shells)('a gate asked by hand under %s', { timeout: patienceMs(declarations) }, (_, shell) => {
  let canary: Canary
  let child: ChildProcessWithoutNullStreams
  let said: Buffer[]
  let ended: Promise<number | null>

  beforeEach(async () => {
    canary = openCanary()
    await launch()
  })
  afterEach(async () => {
    child.stdin.end()
    await ended
    canary.remove()
  })

  const heard = () => Buffer.concat(said).toString('latin1')

  async function launch(): Promise<void> {
    const [program, ...words] = canary.shell([...shell(), '-s', nonce])
    child = spawn(program, words, { env: canary.env })
    said = []
    child.stdin.on('error', () => child.stdin.destroy())
    child.stdout.on('data', (chunk: Buffer) => said.push(chunk))
    ended = once(child, 'close').then(([status]) => status as number | null)
    child.stdin.write(await gateScript())
    await until(() => heard().endsWith(`${nonce} 0 end\n`), { withinMs: 20_000, what: 'the hello' })
    said = []
  }

  /** All in one go; answers which kind of answer each one got. */
  async function ask(texts: string[]): Promise<string[]> {
    said = []
    for (const [index, text] of texts.entries()) child.stdin.write(`${nonce} ${index + 1} ${text}\n`)
    const isOver = new RegExp(`^${nonce} ${texts.length} (ok|refused|failed) \\d+$`, 'm')
    await until(() => isOver.test(heard()) || child.exitCode !== null, {
      withinMs: patienceMs(declarations),
      what: () => `an answer to each of ${texts.length} requests: ${heard().slice(-300)}`,
    })
    const answers = heard().matchAll(new RegExp(`^${nonce} (\\d+) (ok|refused|failed) \\d+$`, 'gm'))
    const kinds = new Map([...answers].map(([, number, kind = '']) => [Number(number), kind]))
    return texts.map((_text, index) => kinds.get(index + 1) ?? 'none')
  }

  // A gate reads lines, and no line holds a newline.
  const texts = hostileTexts(declarations).map((text) => text.replace(/[\n\0]/g, ''))
  const agent = (...lines: string[]) => ['I:ezra', ...lines, 'G:100', 'E:']
  const declare = (lines: string[]) => [`declare ${lines.length}`, ...lines].join('\n')

  it.each<[string, (text: string) => string[]]>([
    ['an id', (text) => [`I:${text}`, 'G:100', 'K:command', 'A:true', 'E:']],
    ['a grace', (text) => ['I:ezra', `G:${text}`, 'K:command', 'A:true', 'E:']],
    ['a kind', (text) => agent(`K:${text}`, 'A:true')],
    ['a unit', (text) => agent('K:service', `U:${text}`, 'O:system')],
    ['a scope', (text) => agent('K:service', 'U:gitea.service', `O:${text}`)],
    ['a label', (text) => agent('K:launchd', `Q:${text}`, 'O:user')],
    ['the path of a heartbeat', (text) => agent(`F:${text}`, 'K:command', 'A:true')],
    ['a socket of the host', (text) => [`X:${text}`]],
    ['the id of a service', (text) => [`V:${text}`, 'v:process', 'w:sh']],
    ['the value of a service', (text) => ['V:web', 'v:http', `w:${text}`]],
    ['a line by itself', (text) => [text]],
  ])('holds a hostile text as %s for plain, or refuses it', async (_what, lines) => {
    const kinds = await ask(texts.map((text) => declare(lines(text))))
    for (const [index, kind] of kinds.entries()) expect(['ok', 'refused'], texts[index]).toContain(kind)
    // It is with its wits still.
    expect(await ask(['beats'])).toEqual(['ok'])
    expect(canary.traces()).toEqual([])
  })

  it('compares the name of a pane with what is there, and acts on nothing else', async () => {
    const socket = join(canary.folder, 'no-such-socket')
    expect(await ask([declare([`X:${socket}`])])).toEqual(['ok'])
    const some = texts.slice(0, Math.ceil(texts.length / 10))
    const kinds = await ask(some.map((text, index) => `respawn dry=test.${index + 1}\n${index % 2 ? socket : text}\n${text}`))
    for (const [index, kind] of kinds.entries()) expect(['refused', 'failed'], some[index]).toContain(kind)
    expect(await ask(['beats'])).toEqual(['ok'])
    expect(canary.traces()).toEqual([])
  })

  it('ends, or refuses, where a hostile text stands in a request itself', async () => {
    const step = Math.floor(texts.length / requests)
    for (let index = 0; index < requests; index++) {
      const text = texts[index * step] ?? ''
      for (const request of [text, `restart ${text} stop-first really=test.1`, `tail ezra ${text}`]) {
        if (child.exitCode !== null) await launch()
        const [kind = ''] = await ask([request])
        if (kind === 'none') expect(await ended, request).toBe(65)
        else expect(kind, request).toBe('refused')
      }
    }
    expect(canary.traces()).toEqual([])
  })
})
