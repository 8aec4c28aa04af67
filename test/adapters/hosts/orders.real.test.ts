/** Orders on the host: one that was given before is not followed again, and a dry run changes nothing. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLocalHost } from '../../../src/adapters/hosts/local.ts'
import type { ActProgress, AgentDeclaration, Body, HostError, HostLink, Order } from '../../../src/ports/host.ts'
import { descendants, isAlive, killHard } from '../../support/processes.ts'
import { programPath } from '../../support/programs.ts'
import { until } from '../../support/until.ts'

const shells: [string, () => [string, ...string[]]][] = [
  ['dash', () => [programPath('dash')]],
  ['bash', () => [programPath('bash'), '--posix']],
  ['busybox sh', () => [programPath('busybox'), 'sh']],
]

const really = (number: number, watch = 'w-1'): Order => ({ attempt: { watch, number }, isDryRun: false })
const dry = (number: number, watch = 'w-1'): Order => ({ attempt: { watch, number }, isDryRun: true })
const failure = (act: Promise<unknown>): Promise<HostError | undefined> =>
  act.then(
    () => undefined,
    (error) => error,
  )

describe.each(shells)('orders under %s', (_, shell) => {
  let folder: string
  let attempts: string
  /** Number of a user of the test's own: its folder in /tmp is nobody else's. */
  let user: string
  let links: HostLink[] = []
  let children: ChildProcess[] = []
  let env: Record<string, string>

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tw-'))
    attempts = join(folder, 'home', '.local', 'state', 'towerwatch', 'attempts')
    user = `9${process.pid}${Math.floor(Math.random() * 1_000_000)}`
    await mkdir(join(folder, 'bin'))
    await mkdir(join(folder, 'home'))
    await program('id', `echo ${user}`)
    env = { PATH: `${join(folder, 'bin')}:${process.env['PATH']}`, HOME: join(folder, 'home') }
  })
  afterEach(async () => {
    await Promise.all(links.map((link) => link.close()))
    for (const { pid } of children) if (pid !== undefined) killHard(pid)
    const started = (await readdir(folder)).includes('pid') ? Number(await readFile(join(folder, 'pid'), 'utf8')) : 0
    if (started > 1) for (const own of [...descendants(started), { pid: started }]) killHard(own.pid)
    links = []
    children = []
    await rm(folder, { recursive: true })
    await rm(`/tmp/towerwatch-${user}`, { recursive: true, force: true })
  })

  async function program(name: string, text: string): Promise<string> {
    const file = join(folder, 'bin', name)
    await writeFile(file, `#!/bin/sh\n${text}\n`)
    await chmod(file, 0o755)
    return file
  }

  async function opened(...agents: AgentDeclaration[]): Promise<HostLink> {
    const link = createLocalHost('near', { shell: shell(), env }).link()
    links.push(link)
    await link.open({ agents, services: [], sockets: [] }, new AbortController().signal)
    return link
  }

  const agent = (id: string, body: Body): AgentDeclaration => ({
    id,
    heartbeatFiles: [join(folder, 'beat')],
    markers: [],
    configs: [],
    stopGraceMs: 700,
    body,
  })
  /** Writes a line each time it is run. */
  const counting = async (): Promise<Body> => ({
    kind: 'command',
    start: [await program('count', `echo x >>"${join(folder, 'ran')}"\ncat "${attempts}"/* >"${join(folder, 'noted')}" 2>/dev/null || :`)],
  })
  const ran = async () => (existsSync(join(folder, 'ran')) ? (await readFile(join(folder, 'ran'), 'utf8')).length / 2 : 0)
  const restart = (link: HostLink, order: Order, id = 'ezra', mode: 'stop-first' | 'only-dead' = 'stop-first') =>
    link.restart(id, mode, order, () => {})
  const noteOf = async () => join(attempts, (await readdir(attempts)).find((name) => name.startsWith('w-1.')) ?? 'none')

  it('are followed once, and noted before anything is done', async () => {
    const link = await opened(agent('ezra', await counting()))
    await restart(link, really(12))
    expect(await readFile(join(folder, 'noted'), 'utf8')).toBe('12\n')
    const again = await failure(restart(link, really(12)))
    expect(again).toMatchObject({
      kind: 'refused',
      step: 'check',
      message: expect.stringContaining('this order was given before (attempt 12), nothing was done'),
    })
    const former = await failure(restart(link, really(11)))
    expect(former?.message).toContain('a later order than this one was given since (attempt 12, this is 11), nothing was done')
    expect(await ran()).toBe(1)
    // Another watch counts by itself.
    await restart(link, really(3, 'w-2'))
    await restart(link, really(999_999_999_999_999))
    expect(await ran()).toBe(3)
    expect((await readdir(attempts)).filter((name) => name.endsWith('.new'))).toEqual([])
    expect(existsSync(`/tmp/towerwatch-${user}`)).toBe(false)
  })

  it('count for what is acted on, not for what it is called', async () => {
    const body: Body = { kind: 'process', start: ['sleep', '600'], pidFile: join(folder, 'pid'), log: join(folder, 'log') }
    const link = await opened(agent('ezra', body))
    await restart(link, really(5))
    const other = await opened(agent('another-name', body))
    expect((await failure(restart(other, really(5), 'another-name')))?.message).toContain('given before')
  })

  it('that come many times at once are followed once', async () => {
    const declared = agent('ezra', await counting())
    const several = await Promise.all(Array.from({ length: 4 }, () => opened(declared)))
    const ends = await Promise.all(several.map((link) => failure(restart(link, really(7)))))
    expect(ends.filter((end) => end === undefined)).toHaveLength(1)
    for (const end of ends) if (end) expect(end.kind).toBe('refused')
    expect(await ran()).toBe(1)
  })

  it('are refused where the note of the last one is anything but a number, with the remedy', async () => {
    const spoils: [string, (file: string) => Promise<void>][] = [
      ['a word', (file: string) => writeFile(file, 'twelve\n')],
      ['a command', (file: string) => writeFile(file, '$(touch pwned)\n')],
      ['a negative number', (file: string) => writeFile(file, '-5\n')],
      ['a number that begins with zero', (file: string) => writeFile(file, '010\n')],
      ['a number too long', (file: string) => writeFile(file, '1234567890123456\n')],
      ['two lines', (file: string) => writeFile(file, '1\n2\n')],
      ['bytes', (file: string) => writeFile(file, Buffer.from([0, 49, 0, 10]))],
      ['a gigabyte', async (file: string) => writeFile(file, '').then(() => truncate(file, 2 ** 30))],
      ['a link', (file: string) => symlink('/etc/hostname', file)],
      ['a link that leads nowhere', (file: string) => symlink('/nowhere', file)],
      ['a folder', (file: string) => mkdir(file)],
      ['a pipe', async (file: string) => void execFileSync('mkfifo', [file])],
    ]
    const link = await opened(agent('ezra', await counting()))
    await restart(link, really(1))
    const note = await noteOf()
    for (const [what, spoil] of spoils) {
      await rm(note, { recursive: true })
      await spoil(note)
      const error = await failure(restart(link, really(2)))
      expect([what, error?.kind, error?.step]).toEqual([what, 'refused', 'check'])
      expect(error?.message).toContain(note.slice(-20))
      expect(error?.message).toContain('remove it')
    }
    expect([await ran(), existsSync(join(folder, 'home', 'pwned'))]).toEqual([1, false])
    await rm(note, { recursive: true })
    await restart(link, really(2))
    expect(await ran()).toBe(2)
  })

  it('are followed where the note is empty, as a host leaves it that lost its power', async () => {
    const link = await opened(agent('ezra', await counting()))
    await restart(link, really(1))
    await writeFile(await noteOf(), '')
    await restart(link, really(2))
    expect(await ran()).toBe(2)
  })

  it('are noted in /tmp where the home can not be written, and looked for in both places', async () => {
    const declared = agent('ezra', await counting())
    env = { ...env, XDG_STATE_HOME: '/proc/nowhere' }
    const poor = await opened(declared)
    await restart(poor, really(4))
    expect((await failure(restart(poor, really(4))))?.message).toContain('given before')
    expect(await readdir(`/tmp/towerwatch-${user}/attempts`)).toHaveLength(1)
    env = { ...env, XDG_STATE_HOME: '' }
    const rich = await opened(declared)
    expect((await failure(restart(rich, really(4))))?.message).toContain('given before')
    await restart(rich, really(5))
    expect(await readFile(await noteOf(), 'utf8')).toBe('5\n')
    expect(await ran()).toBe(2)
  })

  it('are refused where they can be noted nowhere', async () => {
    env = { ...env, XDG_STATE_HOME: '/proc/nowhere' }
    await mkdir(`/tmp/towerwatch-${user}`)
    await writeFile(`/tmp/towerwatch-${user}/attempts`, '')
    const link = await opened(agent('ezra', await counting()))
    const error = await failure(restart(link, really(4)))
    expect(error).toMatchObject({ kind: 'refused', step: 'check' })
    expect(error?.message).toContain('let this user write /proc/nowhere/towerwatch/attempts')
    expect(await ran()).toBe(0)
    expect(await readdir(`/tmp/towerwatch-${user}`)).toEqual(['attempts'])
  })

  it('of agents that are no more are forgotten after a month', async () => {
    const link = await opened(agent('ezra', await counting()))
    await restart(link, really(1))
    const long = new Date(Date.now() - 40 * 86_400_000)
    for (let index = 0; index < 210; index++) {
      await writeFile(join(attempts, `gone.${index}`), '1\n')
      if (index >= 10) await utimes(join(attempts, `gone.${index}`), long, long)
    }
    await restart(link, really(2))
    expect(await readdir(attempts)).toHaveLength(11)
    expect((await failure(restart(link, really(2))))?.message).toContain('given before')
  })

  describe('to try it dry', () => {
    async function planned(
      link: HostLink,
      mode: 'stop-first' | 'only-dead' = 'stop-first',
    ): Promise<{ steps: ActProgress[]; lines: string[] }> {
      const steps: ActProgress[] = []
      const { text } = await link.restart('ezra', mode, dry(9), (step) => steps.push(step))
      return { steps, lines: text.split('\n') }
    }
    const everything = async () => [...(await readdir(folder)), ...(await readdir(join(folder, 'home')))].sort()

    it('tell what would be stopped and started, and change nothing', async () => {
      // A name with an escape in it, as an agent may give itself one.
      const worker = join(folder, 'bin', 'w\u001b[31m')
      await copyFile(programPath('sleep'), worker)
      const start = [programPath('sh'), '-c', `'${worker}' 600 & wait`, 'two words', '']
      const body: Body = { kind: 'process', start, pidFile: join(folder, 'pid'), log: join(folder, 'log') }
      const link = await opened(agent('ezra', body))
      await restart(link, really(1))
      const pid = Number(await readFile(join(folder, 'pid'), 'utf8'))
      const child = await until(() => descendants(pid).find(({ name }) => name.startsWith('w'))?.pid, {
        withinMs: 20_000,
        what: 'the worker',
      })
      const before = await everything()
      const { steps, lines } = await planned(link)
      expect(steps.map(({ step }) => step)).toEqual(['check'])
      expect(lines.slice(0, 3).sort()).toEqual(
        [
          `ezra is alive: pid ${pid} (sh)`,
          `would get SIGTERM, and SIGKILL after 700 ms: pid ${pid} (sh)`,
          `would get SIGTERM, and SIGKILL after 700 ms: pid ${child} (w?[31m)`,
        ].sort(),
      )
      expect(lines[3]).toContain("'two words' ''")
      expect(lines[4]).toBe(`with its output in ${join(folder, 'log')}, in the folder ${join(folder, 'home')}`)
      expect([isAlive(pid), isAlive(child)]).toEqual([true, true])
      expect(await everything()).toEqual(before)
      expect(existsSync(`/tmp/towerwatch-${user}`)).toBe(false)
      expect(await readdir(attempts)).toHaveLength(1)
      const patient = await opened({ ...agent('ezra', body), stopGraceMs: 10_000 })
      expect((await planned(patient)).lines).toContain(`would get SIGTERM, and SIGKILL after 10 s: pid ${pid} (sh)`)
      // Nothing was noted: the same number is still good.
      await restart(link, really(9))
      expect([isAlive(pid), isAlive(child)]).toEqual([false, false])
    })

    it('are refused where the act would be', async () => {
      const body: Body = { kind: 'process', start: ['sleep', '600'], pidFile: join(folder, 'pid'), log: join(folder, 'log') }
      const link = await opened(agent('ezra', body))
      await restart(link, really(1))
      expect(await failure(planned(link, 'only-dead'))).toMatchObject({
        kind: 'refused',
        step: 'check',
        message: expect.stringContaining('ezra is alive'),
      })
    })

    it('tell of a command and of a unit what would be run', async () => {
      const link = await opened(
        agent('ezra', { kind: 'command', start: ['/bin/ctl', 'restart', "it's"], stop: ['/bin/ctl', 'stop', '$(id)'] }),
      )
      expect((await planned(link)).lines).toEqual([
        'whether ezra is dead cannot be told on this host',
        "would be run to stop it: /bin/ctl stop '$(id)'",
        'would be run: /bin/ctl restart "it\'s"',
      ])
      await program('systemctl', 'case "$*" in *show*) echo MainPID=0 ;; *) exit 9 ;; esac')
      const unit = await opened(agent('ezra', { kind: 'service', unit: 'ezra.service', scope: 'user' }))
      expect((await planned(unit)).lines).toEqual(['ezra is dead', 'would be run: systemctl --user restart -- ezra.service'])
    })

    it('do not wait for an act that is under way', async () => {
      const link = await opened(
        agent('ezra', { kind: 'command', start: [await program('slow', `: >"${join(folder, 'begun')}"\nexec sleep 3`)] }),
      )
      const act = restart(link, really(1))
      await until(() => existsSync(join(folder, 'begun')), { withinMs: 20_000, what: 'the act has begun' })
      expect((await planned(link)).lines).toContain(`would be run: ${join(folder, 'bin', 'slow')}`)
      await act
    })
  })

  it('are not touched by a stranger who has a process of that number', async () => {
    const innocent = spawn('sleep', ['600'], { stdio: 'ignore' })
    children.push(innocent)
    const body: Body = { kind: 'process', start: ['sleep', '600'], pidFile: join(folder, 'pid'), log: join(folder, 'log') }
    const link = await opened(agent('ezra', body))
    await writeFile(join(folder, 'beat'), 'x')
    await link.beats(new Map([['ezra', innocent.pid ?? 0]]))
    const { text } = await link.restart('ezra', 'stop-first', dry(1), () => {}).catch((error: HostError) => ({ text: error.message }))
    expect(text).toContain('was not started for it')
  })
})
