/** What a link makes of a gate that is not what it should be. */
import { spawn } from 'node:child_process'
import { afterEach, describe, expect, it } from 'vitest'
import { createLink } from '../../../src/adapters/hosts/link.ts'
import { createLocalHost } from '../../../src/adapters/hosts/local.ts'
import { HostError, type HostLink } from '../../../src/ports/host.ts'
import { failure } from '../../contracts/host.ts'
import { orders } from '../../support/orders.ts'

const never = new AbortController().signal
const links: HostLink[] = []

afterEach(async () => {
  await Promise.all(links.splice(0).map((link) => link.close()))
})

/** A link to a shell that runs `text` with the nonce in $1, in place of the gate. */
function linkTo(text: string, { openTimeoutMs = 20_000, answerMs = 20_000 } = {}): HostLink {
  const link = createLink(
    {
      name: 'odd',
      gate: 'sent',
      openTimeoutMs,
      spawn: (nonce) => spawn('/bin/sh', ['-c', text, 'sh', nonce], { stdio: 'pipe' }),
      explain: ({ code, greeted }) => new HostError(greeted ? 'unreachable' : 'gate', `ended with ${code}`),
    },
    { deadlines: { beatsMs: answerMs, probeMs: answerMs, declareMs: 20_000 } },
  )
  links.push(link)
  return link
}

// The text of the gate comes first on stdin and is of no interest here.
const greet = `n=$1; answer() { printf '%s %s %s %s\\n%s\\n%s %s end\\n' "$n" "$1" "$2" "\${#3}" "$3" "$n" "$1"; }
echo; answer 0 hello 'towerwatch-gate 3'
next() { while read -r a id verb rest; do [ "$a" = "$n" ] && return; done; exit; }
next; answer $id ok ''`

const order = orders()

describe('a gate that tells of deaths', () => {
  const toldBy = async (said: string) => {
    const told: number[] = []
    const link = linkTo(`${greet}\n${said}\nnext; exit 1`)
    await link.open({ agents: [], services: [], sockets: [] }, never, () => told.push(1))
    await failure(link.probe())
    await link.lost
    return told.length
  }

  it('is understood in one piece or in two, with other words around it', async () => {
    expect(await toldBy(`printf '\\n%s gone 7\\n' $n >&2`)).toBe(1)
    expect(await toldBy(`printf 'no such file\\n%s go' $n >&2; sleep 0.2; printf 'ne 7\\nand more' >&2; sleep 0.2`)).toBe(1)
  })

  it('is not believed without its nonce', async () => {
    expect(await toldBy(`printf '\\n%s gone 7\\n' abcdef >&2; printf '\\n%s went 7\\n' $n >&2; sleep 0.2`)).toBe(0)
  })
})

describe('a gate that misbehaves', () => {
  it.each([
    ['does not say hello', 'exec sleep 30', 'timeout', 300],
    ['ends at once', 'exit 3', 'gate', 20_000],
    ['is of another version', `printf '\\n%s 0 hello 17\\ntowerwatch-gate 1\\n%s 0 end\\n' "$1" "$1"; exec sleep 30`, 'gate', 20_000],
    ['talks without end', 'exec cat /dev/zero', 'gate', 20_000],
  ])('cannot be opened when it %s', async (_, text, kind, openTimeoutMs) => {
    expect(await failure(linkTo(text, { openTimeoutMs }).open({ agents: [], services: [], sockets: [] }, never))).toMatchObject({ kind })
  })

  it.each([
    ['noise in the middle', 'next; echo oops; sleep 30', 'gate'],
    ['an answer to something else', 'next; answer 999 ok ""; sleep 30', 'gate'],
    [
      'a part of an agent that was not declared',
      `next; answer $id part "agent ezra\nunknown\nnone\nnone\n"; answer $id ok ""; sleep 30`,
      'gate',
    ],
    ['a part out of form', 'next; answer $id part "ezra"; answer $id ok ""; sleep 30', 'gate'],
    ['a frame without end', 'next; printf "%s %s ok 100\\nabc" $n $id; sleep 30', 'timeout'],
    ['too many bytes', 'next; x=$(head -c 200000 /dev/zero | tr "\\0" x); while :; do answer $id part "$x"; done', 'gate'],
    ['its end', 'next; exit 1', 'unreachable'],
  ])('loses the connection by %s', async (_, text, kind) => {
    // Only who waits for what never comes is to be quick about it.
    const link = linkTo(`${greet}\n${text}`, kind === 'timeout' ? { answerMs: 500 } : {})
    await link.open({ agents: [], services: [], sockets: [] }, never)
    const [first, second] = [failure(link.beats(new Map())), failure(link.probe())]
    expect(await first).toMatchObject({ kind })
    expect(await second).toMatchObject({ kind })
    expect((await link.lost).kind).toBe(kind)
    expect(await failure(link.probe())).toMatchObject({ kind })
  })

  it('has its sentences cleaned before anybody reads them', async () => {
    const link = linkTo(`${greet}\nnext; answer $id refused "$(printf '\\033[31mno\\a\\n\\tnever')"; next`)
    await link.open({ agents: [], services: [], sockets: [] }, never)
    expect(await failure(link.probe())).toMatchObject({ kind: 'refused', message: 'no never' })
  })
})

describe('a link', () => {
  it('opens once', async () => {
    const link = createLocalHost('near').link()
    links.push(link)
    await link.open({ agents: [], services: [], sockets: [] }, never)
    expect(await failure(link.open({ agents: [], services: [], sockets: [] }, never))).toMatchObject({ kind: 'closed' })
  })

  it('is closed before it was opened without a fuss', async () => {
    const link = createLocalHost('near').link()
    await link.close()
    expect(await failure(link.open({ agents: [], services: [], sockets: [] }, never))).toMatchObject({ kind: 'closed' })
  })

  it('asks nothing that was not opened', async () => {
    const link = createLocalHost('near').link()
    expect(await failure(link.beats(new Map()))).toMatchObject({ kind: 'closed' })
    expect(await failure(link.restart('ezra', 'stop-first', order(), () => {}))).toMatchObject({ kind: 'closed' })
  })

  it('says unreachable where there is no shell', async () => {
    const link = createLocalHost('near', { shell: ['/nowhere/sh'] }).link()
    expect(await failure(link.open({ agents: [], services: [], sockets: [] }, never))).toMatchObject({ kind: 'unreachable' })
  })

  it('hands on none of the secrets in the environment of the watch', async () => {
    process.env['TOWER_PASSWORD'] = 'secret'
    const link = createLocalHost('near', {
      shell: ['/bin/sh', '-c', 'echo "password: $TOWER_PASSWORD, path: $PATH" >&2', 'sh'],
    }).link()
    const error = await failure(link.open({ agents: [], services: [], sockets: [] }, never))
    delete process.env['TOWER_PASSWORD']
    expect(error?.message).toContain('password: , path: /')
  })
})
