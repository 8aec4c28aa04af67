/** The gate by itself, asked by hand: what it does with lines that the watch would never write. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { gateScript } from '../../../src/adapters/hosts/gate-script.ts'
import { programPath } from '../../support/programs.ts'
import { until } from '../../support/until.ts'

const nonce = '00112233445566778899aabbccddeeff'

const shells: [string, () => [string, ...string[]]][] = [
  ['dash', () => [programPath('dash')]],
  ['bash', () => [programPath('bash')]],
  ['busybox sh', () => [programPath('busybox'), 'sh']],
]

describe.each(shells)('the gate under %s', (_, shell) => {
  let folder: string
  /** Where it notes attempts. */
  let state: string
  let child: ChildProcessWithoutNullStreams
  let said: string
  let ended: Promise<number | null>

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tw-'))
    state = await mkdtemp(join(tmpdir(), 'tw-'))
    said = ''
  })
  afterEach(async () => {
    child.stdin.end()
    await ended
    await rm(folder, { recursive: true })
    await rm(state, { recursive: true })
  })

  function launch(words: string[], path = process.env['PATH'] ?? ''): void {
    const [program, ...first] = shell()
    child = spawn(program, [...first, ...words], { cwd: folder, env: { PATH: path, HOME: folder, XDG_STATE_HOME: state } })
    child.stdin.on('error', () => child.stdin.destroy())
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString('latin1')
    })
    ended = once(child, 'close').then(([status]) => status as number | null)
  }

  async function greeted(path?: string, script?: string): Promise<void> {
    launch(['-s', nonce], path)
    child.stdin.write(script ?? (await gateScript()))
    await until(() => said === `\n${nonce} 0 hello 17\ntowerwatch-gate 3\n${nonce} 0 end\n`, { withinMs: 20_000, what: 'the hello' })
    said = ''
  }

  async function asFile(): Promise<string> {
    const file = join(folder, 'gate.sh')
    await writeFile(file, await gateScript())
    return file
  }

  /** The frame that ends the answer. */
  async function ask(id: number, text: string): Promise<string> {
    child.stdin.write(`${nonce} ${id} ${text}\n`)
    const answer = new RegExp(`^${nonce} ${id} (ok|refused|failed) \\d+\n[^]*?\n${nonce} ${id} end\n`, 'm')
    const match = await until(() => answer.exec(said) ?? undefined, { withinMs: 20_000, what: `an answer to ${text}` })
    return match[0].split('\n').slice(0, -2).join('\n').replace(`${nonce} ${id} `, '')
  }

  const declaration = (lines: string[]) => [`declare ${lines.length}`, ...lines].join('\n')
  const command = (id: string, ...start: string[]) => [
    `I:${id}`,
    'F:/beat',
    'G:100',
    'K:command',
    ...start.map((word) => `A:${word}`),
    'E:',
  ]

  it('runs as a file, too, and ends with its input', async () => {
    launch([await asFile(), nonce])
    await until(() => said.includes('hello'), { withinMs: 20_000, what: 'the hello' })
    child.stdin.end()
    expect(await ended).toBe(0)
  })

  it('does nothing at all when its text arrives in part', async () => {
    const script = await gateScript()
    launch(['-s', nonce])
    child.stdin.end(script.slice(0, script.length - 'gate_main "$@"\n'.length))
    await ended
    expect(said).toBe('')
  })

  it.each(['', 'x y', '$(id)', 'ABC', '-c'])('does not begin with %j for a nonce', async (wrong) => {
    launch([await asFile(), wrong])
    expect(await ended).toBe(64)
    expect(said).toBe('')
  })

  it.each([
    ['a command after a semicolon', 'restart x;touch pwned stop-first'],
    ['a command substitution', 'restart $(touch pwned) stop-first'],
    ['backquotes', 'respawn `touch pwned`'],
    ['a glob', 'restart * stop-first'],
    ['quotes', "restart 'ezra' stop-first"],
    ['a redirection', 'probe >pwned'],
    ['a capital letter', 'Probe'],
    ['a byte that is not ASCII', 'restart \u00e9zra stop-first'],
    ['a line over the limit', `beats ${'a'.repeat(70_000)}`],
  ])('ends, and runs nothing, for a request with %s', async (_what, text) => {
    await greeted()
    await ask(1, declaration(command('ezra', 'touch', join(folder, 'ran'))))
    child.stdin.write(`${nonce} 2 ${text}\n${nonce} 3 restart ezra stop-first\n`)
    expect(await ended).toBe(65)
    expect(await readdir(folder)).toEqual([])
  })

  it.each([
    ['another nonce', 'ffff 1 probe'],
    ['no nonce', 'probe'],
    ['no id', `${nonce} probe now`],
    ['an id that is too long', `${nonce} 1234567890 probe`],
    ['nothing', ''],
  ])('ends for a line with %s', async (_what, line) => {
    await greeted()
    child.stdin.write(`${line}\n`)
    expect(await ended).toBe(65)
    expect(said).toBe('')
  })

  it.each([
    'shell',
    'exec touch pwned',
    'probe now',
    'beats ezra',
    'beats ezra=',
    'beats ezra=0',
    'beats ezra=1',
    'beats ezra=-9',
    'beats ezra=99999999999',
    'beats timmy=12',
    'restart ezra',
    'restart ezra force',
    'restart ezra stop-first 12 13',
    'restart ezra stop-first 1',
    'restart ezra stop-first really=test.0',
    'restart ezra stop-first really=test.01',
    'restart ezra stop-first really=test.1x',
    'restart ezra stop-first really=test.1.2',
    'restart ezra stop-first really=test.1234567890123456',
    'restart ezra stop-first really=test',
    'restart ezra stop-first really=.1',
    'restart ezra stop-first really=te_st.1',
    `restart ezra stop-first really=${'w'.repeat(37)}.1`,
    'restart ezra stop-first maybe=test.1',
    'restart timmy stop-first',
    'restart -n stop-first',
    'restart ezra.a stop-first',
    'restart ezr stop-first',
    'panes ezra',
    'tail',
    'tail ..',
    'tail timmy',
    'tail ezra',
    'tail ezra log.1.2 3',
    'respawn\n/tmp/s\nfleet:ezra',
    'respawn ezra\n/tmp/s\nfleet:ezra',
    'respawn really=test.1\n/tmp/s\nfleet:ezra',
    'respawn really=test.1\n$(touch pwned)\n`touch pwned`; touch pwned',
  ])('refuses %j, runs nothing, and goes on', async (text) => {
    await greeted()
    expect(await ask(1, declaration(command('ezra', 'touch', join(folder, 'ran'))))).toBe('ok 0\n')
    expect(await ask(2, text)).toMatch(/^refused \d+\n./)
    expect(await readdir(folder)).toEqual([])
    expect(await ask(3, 'restart ezra stop-first really=test.1')).toMatch(/^ok /)
    expect(await readdir(folder)).toEqual(['ran'])
  })

  it.each([
    ['an agent without an end', command('ezra', 'true').slice(0, -1)],
    ['a line of no agent', ['E:']],
    ['a tag that is not known', ['X:1']],
    ['no colon', ['I']],
    ['an id that is an option', command('-rf', 'true')],
    ['a body of another kind', ['I:ezra', 'F:/beat', 'G:100', 'K:shell', 'E:']],
    ['no body', ['I:ezra', 'F:/beat', 'G:100', 'E:']],
    ['no grace', ['I:ezra', 'F:/beat', 'K:command', 'A:true', 'E:']],
    ['a relative folder', ['I:ezra', 'D:jobs', 'G:100', 'K:command', 'A:true', 'E:']],
    ['a relative marker', ['I:ezra', 'M:paused', 'G:100', 'K:command', 'A:true', 'E:']],
    ['a relative path', ['I:ezra', 'F:beat', 'G:100', 'K:command', 'A:true', 'E:']],
    ['a unit that is an option', ['I:ezra', 'F:/beat', 'G:100', 'K:service', 'U:--now', 'O:system', 'E:']],
    ['a scope that is not known', ['I:ezra', 'F:/beat', 'G:100', 'K:service', 'U:a', 'O:root', 'E:']],
    ['one good agent and a bad one', [...command('ezra', 'true'), ...command('Timmy', 'true')]],
  ])('refuses a declaration with %s, wholly', async (_what, lines) => {
    await greeted()
    expect(await ask(1, declaration(lines))).toMatch(/^refused /)
    expect(await ask(2, 'restart ezra stop-first')).toMatch(/^refused /)
    expect(await ask(3, 'beats')).toBe('ok 0\n')
  })

  it.each([
    [
      'a shutdown is under way',
      'systemd/shutdown/scheduled',
      () => `USEC=${Date.now() - 5_000}000\nWARN_WALL=1\nMODE=poweroff`,
      'stopping',
    ],
    ['one is due within a minute', 'systemd/shutdown/scheduled', () => `USEC=${Date.now() + 30_000}000\nMODE=reboot\n`, 'stopping'],
    ['one is due in an hour', 'systemd/shutdown/scheduled', () => `USEC=${Date.now() + 3_600_000}000\nMODE=reboot\n`, ''],
    ['its time is nonsense', 'systemd/shutdown/scheduled', () => 'USEC=$(touch pwned)\nUSEC=99999999999999999999\nUSEC=\n', ''],
    [
      'nobody may log in any more',
      'nologin',
      () => 'System is going down. Unprivileged users are not permitted to log in anymore.',
      'stopping',
    ],
    ['nobody may log in yet', 'nologin', () => 'System is booting up. Unprivileged users are not permitted to log in yet.\n', ''],
  ])('says that the host is going down or not where %s', async (_what, file, text, expected) => {
    const script = (await gateScript()).replace('run_dir=/run\n', `run_dir=${folder}/run\n`)
    await mkdir(join(folder, 'run', 'systemd', 'shutdown'), { recursive: true })
    await writeFile(join(folder, 'run', file), text())
    await greeted(undefined, script)
    await ask(1, declaration(['I:ezra', `P:${folder}/pid`, 'G:100', 'K:process', 'L:/dev/null', 'A:true', 'E:']))
    expect(await ask(2, 'beats stopping')).toBe(`ok ${expected.length}\n${expected}`)
    expect(await ask(3, 'beats')).toBe('ok 0\n')
    expect((await readdir(folder)).sort()).toEqual(['run'])
  })

  it('looks at forty agents with one stat and one list-panes for each tmux server', async () => {
    const programs = join(folder, 'bin')
    const log = join(folder, 'log')
    await mkdir(programs)
    for (const program of ['stat', 'date', 'tmux', 'head', 'base64', 'cat', 'ps']) {
      const file = join(programs, program)
      await writeFile(file, `#!/bin/sh\necho ${program} >> ${log}\nPATH=\${PATH#*:} exec ${program} "$@"\n`)
      await chmod(file, 0o755)
    }
    const agents = await Promise.all(
      Array.from({ length: 40 }, async (_none, index) => {
        const beat = join(folder, `beat-${index}`)
        await writeFile(beat, `{"at": ${index}}`)
        return [
          `I:agent-${index}`,
          `F:${beat}`,
          `M:${beat}.paused`,
          `M:${folder}/.paused`,
          'G:100',
          'K:pane',
          `S:/nowhere/${index % 2}`,
          `T:fleet:${index}`,
          'E:',
        ]
      }),
    )
    await greeted(`${programs}:${process.env['PATH']}`)
    await ask(1, declaration(agents.flat()))
    await rm(log)
    await ask(2, 'beats')
    expect((await readFile(log, 'utf8')).trim().split('\n').sort()).toEqual(['stat', 'tmux', 'tmux'])
  })
})
