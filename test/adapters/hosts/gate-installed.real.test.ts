/** The gate as a file behind a key: what it does with a command, a list and declarations that nobody should send. */
import { spawn, spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { gateScript } from '../../../src/adapters/hosts/gate-script.ts'
import { type Ended, fed } from '../../support/fed.ts'
import { programPath } from '../../support/programs.ts'

const nonce = '00112233445566778899aabbccddeeff'
const right = `towerwatch-gate ${nonce}`
const runs = Number(process.env['TOWERWATCH_RUNS'] ?? 12)

const shells: [string, () => [string, ...string[]]][] = [
  ['dash', () => [programPath('dash')]],
  ['bash', () => [programPath('bash'), '--posix']],
  ['busybox sh', () => [programPath('busybox'), 'sh']],
]

const allowed = [
  '# towerwatch allow-list of ezra',
  '# What the watch of the fleet home may declare here.',
  'X:/tmp/panes',
  'V:gitea',
  'v:tcp',
  'w:127.0.0.1',
  'w:3000',
  'V:web',
  'v:http',
  'w:http://127.0.0.1:3000/',
  'w:204',
  'I:timmy',
  'F:/beats/timmy',
  'G:100',
  'K:command',
  'A:true',
  'E:',
  'I:bezalel',
  'F:/beats/bezalel',
  'G:100',
  'K:command',
  'A:true',
  "A:it's $HOME; `id`",
  'E:',
]
const timmy = allowed.slice(11, 17)
const bezalel = allowed.slice(17)
const remedy = (name: string) =>
  `${name} is not allowed on this host as fleet.yaml has it now: type "towerwatch host install ezra" on the watch's machine`

describe.each(shells)('the installed gate under %s', (_, shell) => {
  let folder: string
  let gate: string
  let list: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tw-'))
    gate = join(folder, 'gate.sh')
    list = join(folder, 'ezra.allow')
    await writeFile(gate, await gateScript())
    await writeFile(list, allowed.map((line) => `${line}\n`).join(''), { mode: 0o644 })
  })
  afterEach(() => rm(folder, { recursive: true }))

  /** Gives it all of its input at once: what it may do without an answer of ours is part of what is tried. */
  async function ask(command: string | undefined, input = '', words = ['probe', list]): Promise<Ended> {
    const [program, ...first] = shell()
    const env = { PATH: process.env['PATH'], HOME: folder, ...(command !== undefined && { SSH_ORIGINAL_COMMAND: command }) }
    const child = spawn(program, [...first, gate, ...words], { cwd: folder, env })
    return fed(child, input)
  }

  /** The frames of the answers, without the hello: `KIND TEXT`. */
  async function answers(requests: string[], role: 'probe' | 'act' = 'probe'): Promise<string[]> {
    const input = requests.map((text, index) => `${nonce} ${index + 1} ${text}\n`).join('')
    const { out, status } = await ask(right, input, [role, list])
    expect(status).toBe(0)
    return out
      .split(`${nonce} `)
      .map((part) => /^[1-9]\d* (\w+) \d+\n([\s\S]*)\n$/.exec(part))
      .flatMap((match) => (match ? [`${match[1]} ${match[2]}`.trim()] : []))
  }

  const declare = (lines: string[]) => [`declare ${lines.length}`, ...lines].join('\n')

  it('says hello for its own name with a nonce, and ends with its input', async () => {
    const { status, out } = await ask(right)
    expect([status, out]).toEqual([0, expect.stringMatching(new RegExp(`^\n${nonce} 0 hello \\d+\ntowerwatch-gate \\d+\n`))])
  })

  it('refuses every other command with a status of its own and a plain sentence, and runs nothing of it', async () => {
    const pwn = `touch ${join(folder, 'pwned')}`
    const told = [
      ...[undefined, '', ' ', 'probe', pwn, `${right};${pwn}`, `${right} `, ` ${right}`, `${right}\n${pwn}`, `towerwatch-gate  ${nonce}`],
      ...[
        `towerwatch-gate\t${nonce}`,
        `towerwatch-gate ${nonce.slice(1)}`,
        `towerwatch-gate ${nonce}0`,
        `towerwatch-gate ${nonce.toUpperCase()}`,
      ],
      ...[
        `towerwatch-gate $(${pwn})`,
        `\`${pwn}\``,
        `towerwatch-gate ${'*'.repeat(32)}`,
        `/bin/sh -s ${nonce}`,
        'internal-sftp',
        'scp -t .',
      ],
      ...[`towerwatch-gate ${'é'.repeat(16)}`, `towerwatch-gate ${nonce.slice(2)}\n\n`, `towerwatch-gate ${'f'.repeat(60_000)}`],
    ]
    for (const command of told) {
      const { status, out, err } = await ask(command, `${pwn}\n`)
      expect([command, status, out]).toEqual([command, 77, ''])
      expect(err.trim()).toBe(
        'towerwatch-gate: this key is for towerwatch and for nothing else; in fleet.yaml its host has "gate: installed"',
      )
    }
    expect((await readdir(folder)).sort()).toEqual(['ezra.allow', 'gate.sh'])
  })

  it('refuses whatever else anybody makes up', async () => {
    const piece = fc.constantFrom(
      'towerwatch-gate',
      ' ',
      nonce,
      ';',
      '\n',
      '$(touch pwned)',
      '`touch pwned`',
      '*',
      "'",
      '"',
      '\\',
      '|',
      '&',
      '>x',
      '-c',
      'sh',
    )
    const hostile = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 100 }),
      fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join('')),
      fc
        .tuple(fc.constant(right), fc.nat(47), fc.string({ minLength: 1, maxLength: 1 }))
        .map(([text, at, by]) => text.slice(0, at) + by + text.slice(at + 1)),
    )
    await fc.assert(
      fc.asyncProperty(hostile, async (text) => {
        const command = text.replaceAll('\0', '')
        fc.pre(!/^towerwatch-gate [0-9a-f]{32}$/.test(command) || command.endsWith('\n'))
        const { status, out } = await ask(command)
        expect([status, out]).toEqual([77, ''])
        expect((await readdir(folder)).sort()).toEqual(['ezra.allow', 'gate.sh'])
      }),
      { numRuns: runs },
    )
  })

  it.each([
    ['no such role', ['root', 'LIST']],
    ['a list that is named by a relative path', ['probe', 'ezra.allow']],
    ['one word too many', ['probe', 'LIST', 'act']],
  ])('does not begin with %s', async (_what, words) => {
    const { status, out } = await ask(
      right,
      '',
      words.map((word) => (word === 'LIST' ? list : word)),
    )
    expect([status, out]).toEqual([64, ''])
  })

  describe('with a list that cannot be trusted', () => {
    const refusal = async (file = list) => {
      const { status, out, err } = await ask(right, '', ['probe', file])
      expect([status, out]).toEqual([78, ''])
      return err.trim().replace(file, 'LIST')
    }

    it('does not begin where there is none', async () => {
      expect(await refusal(join(folder, 'none'))).toBe('towerwatch-gate: there is no allow-list LIST')
    })

    it.each([0o666, 0o664, 0o646, 0o602])('does not begin where others may write it (%o)', async (mode) => {
      await chmod(list, mode)
      expect(await refusal()).toBe('towerwatch-gate: the allow-list LIST may be written by others than its owner')
    })

    it('does not begin with a link or a folder', async () => {
      const link = join(folder, 'link')
      await symlink(list, link)
      expect(await refusal(link)).toBe('towerwatch-gate: the allow-list LIST is not a plain file')
      await mkdir(join(folder, 'inner'), { mode: 0o755 })
      expect(await refusal(join(folder, 'inner'))).toBe('towerwatch-gate: the allow-list LIST is not a plain file')
    })

    it('does not begin with one that is too long', async () => {
      await writeFile(list, `${allowed[0]}\n${'#\n'.repeat(140_000)}`)
      expect(await refusal()).toBe('towerwatch-gate: the allow-list LIST is longer than 262144 bytes')
    })

    it.each([
      ['another file', 'root:x:0:0:root:/root:/bin/sh\n'],
      ['an empty file', ''],
      ['a list that does not say whose it is', `${timmy.join('\n')}\n`],
      ['a list of a host with an odd name', '# towerwatch allow-list of $(id)\n'],
    ])('does not begin with %s', async (_what, text) => {
      await writeFile(list, text)
      expect(await refusal()).toBe('towerwatch-gate: LIST is no allow-list')
    })
  })

  it('takes declarations that are in the list, all of them or some', async () => {
    const whole = allowed.slice(2)
    const kinds = async (lines: string[]) => (await answers([declare(lines)]))[0]
    for (const lines of [
      whole,
      timmy,
      bezalel,
      [],
      [...bezalel, ...timmy],
      whole.slice(0, 1),
      whole.slice(1, 5),
      [...whole.slice(1, 5), ...timmy],
    ]) {
      expect([lines, await kinds(lines)]).toEqual([lines, 'ok'])
    }
  })

  it('refuses any that differs from the list, names it and the remedy, and then knows of nobody', async () => {
    const changed = (lines: string[], from: string, to: string) => lines.map((line) => line.replace(from, to))
    const cases: [string, string[]][] = [
      ['timmy', changed(timmy, 'A:true', 'A:false')],
      ['timmy', changed(timmy, '/beats/timmy', '/etc/shadow')],
      ['timmy', changed(timmy, 'G:100', 'G:101')],
      ['timmy', changed(timmy, 'A:true', 'A:true ')],
      ['timmy', [...timmy.slice(0, 5), 'A:more', 'E:']],
      ['timmy', [...timmy.slice(0, 2), ...timmy.slice(3, 2), 'F:/beats/bezalel', ...timmy.slice(2)]],
      ['mallory', changed(timmy, 'I:timmy', 'I:mallory')],
      ['bezalel', ['I:bezalel', ...timmy.slice(1)]],
      ['bezalel', changed(bezalel, '`id`', '`ls`')],
      ['bezalel', [...timmy, ...changed(bezalel, 'F:/beats', 'F:/beat')]],
      ['/tmp/other', ['X:/tmp/other', ...timmy]],
      ['gitea', ['V:gitea', 'v:tcp', 'w:127.0.0.1', 'w:22']],
      ['ssh', ['V:ssh', 'v:tcp', 'w:127.0.0.1', 'w:3000']],
    ]
    for (const [name, lines] of cases) {
      const [declared, beats] = await answers([declare(lines), 'beats'])
      expect([lines, declared, beats]).toEqual([lines, `refused ${remedy(name)}`, 'ok'])
    }
  })

  it('refuses a service that is less or more than the one in the list', async () => {
    const web = allowed.slice(7, 11)
    // Without its status it is another service, and one that may be declared elsewhere.
    for (const lines of [web.slice(0, -1), [...web, 'w:205'], [...web.slice(0, -1), ...timmy]]) {
      const [answer] = await answers([declare(lines)])
      expect([lines, answer]).toEqual([lines, expect.stringMatching(/^refused web/)])
    }
  })

  it('lets no mutation of a declaration through', async () => {
    const line = fc.oneof(
      fc.constantFrom(...allowed),
      fc.string({ maxLength: 20 }),
      fc.constantFrom('E:', 'A:touch', 'I:x', 'F:/etc/shadow'),
    )
    const mutated = fc
      .tuple(
        fc.constantFrom(timmy, bezalel, [...timmy, ...bezalel], allowed.slice(2)),
        fc.nat(20),
        fc.constantFrom(0, 1, 2),
        fc.array(line, { maxLength: 3 }),
      )
      .map(([lines, at, cut, more]) => lines.toSpliced(at % lines.length, cut, ...more))
      .map((lines) => lines.map((text) => text.replace(/[\n\r\0]|[^\x20-\x7e]/g, '')))
    // What may pass: whole parts of the list, each at most once, those of the host first.
    const parts = [allowed.slice(2, 3), allowed.slice(3, 7), allowed.slice(7, 11), timmy, bezalel].map((part) => `${part.join('\n')}\n`)
    const isAllowed = (lines: string[]) =>
      parts.reduce((text, part) => text.replace(part, ''), lines.map((text) => `${text}\n`).join('')) === ''
    await fc.assert(
      fc.asyncProperty(mutated, async (lines) => {
        const [answer = ''] = await answers([declare(lines)])
        if (!isAllowed(lines)) expect(answer).toMatch(/^refused /)
      }),
      { numRuns: runs },
    )
  })

  it('takes acts over the key for acts only', async () => {
    const order = `really=test.${Date.now()}`
    const acts = [
      `restart timmy stop-first ${order}`,
      `keep-configs timmy ${order}`,
      `roll-back-configs timmy ${order}`,
      `put-back-configs timmy ${order}`,
    ]
    for (const act of acts)
      expect(await answers([declare(timmy), act])).toEqual(['ok', `refused ${act.split(' ')[0]} takes the key for acts`])
    const frames = await answers([declare(timmy), acts[0] ?? ''], 'act')
    expect(frames.at(-1)).toBe('ok the start command of timmy is done')
  })

  it('ends when somebody declares without end', async () => {
    const line = `X:/${'a'.repeat(60_000)}\n`
    const { status } = await ask(right, `${nonce} 1 declare 9999999\n${line.repeat(6)}`)
    expect(status).toBe(65)
  })

  it('does not change what the gate is that the watch sends', () => {
    const [program, ...first] = shell()
    const { stdout, status } = spawnSync(program, [...first, gate, nonce], { input: '', env: { PATH: process.env['PATH'] } })
    expect([status, stdout.toString()]).toEqual([0, expect.stringContaining('hello')])
  })
})
