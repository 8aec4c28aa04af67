/** What every Host owes, whatever carries it to its gate. Run on the machine's own processes, files and tmux. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { chmod, mkdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { basename, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { LinkOptions } from '../../src/adapters/hosts/link.ts'
import type {
  ActProgress,
  AgentDeclaration,
  AgentSighting,
  Body,
  Host,
  HostError,
  HostLink,
  HostNews,
  HostSighting,
  ServiceDeclaration,
} from '../../src/ports/host.ts'
import { orders } from '../support/orders.ts'
import { descendants, isAlive, killHard } from '../support/processes.ts'
import { startTmux, type Tmux } from '../support/tmux.ts'
import { until } from '../support/until.ts'
import { panesContract } from './panes.ts'
import { probeContract } from './probe.ts'

export interface HostFixture {
  /** An empty folder, the same here and on the host. */
  folder: string
  /** A folder that comes first on the gate's PATH. */
  programs: string
  host(options?: LinkOptions): Host
  /** Program that names locks, where cksum is missing. */
  sum?: string
  /** Signals that a started process ignores, as /proc shows them, where the tools of the host cannot have it otherwise. */
  ignoredSignals?: string
  stop(): Promise<void>
}

/** A program that never answers, and that nobody waits for: seconds each. */
export type Hanging = 'ls' | 'tmux' | 'disk' | 'service'

/** What is the same wherever it is tried is tried where something about it differs. */
export interface ContractScope {
  /** Which hanging programs are tried here. All of them where it is left out. */
  hanging?: readonly Hanging[]
  /** Whether the host tells of news by other means as well, when its best are not there. */
  means?: 'all' | 'those it has'
}

export function hostContract(name: string, start: () => Promise<HostFixture>, scope: ContractScope = {}): void {
  const triesHanging = (what: Hanging) => scope.hanging?.includes(what) ?? true
  describe(`a host over ${name}`, () => {
    let fixture: HostFixture
    let tmux: Tmux
    let links: HostLink[] = []
    let strangers: ChildProcess[] = []
    let pidFiles: string[] = []
    let files = 0
    const order = orders()

    beforeAll(async () => {
      fixture = await start()
      tmux = await startTmux(fixture.folder)
    })
    afterAll(async () => {
      await tmux.stop()
      await fixture.stop()
    })
    afterEach(async () => {
      await Promise.all(links.map((link) => link.close()))
      for (const stranger of strangers) stranger.kill('SIGKILL')
      for (const file of pidFiles) {
        const pid = await pidIn(file)
        if (pid !== undefined) for (const own of [...descendants(pid), { pid }]) killHard(own.pid)
      }
      await rm(fixture.programs, { recursive: true, force: true })
      await mkdir(fixture.programs)
      links = []
      strangers = []
      pidFiles = []
    })

    const path = (label: string) => join(fixture.folder, `${++files}-${label}`)
    const never = new AbortController().signal

    async function opened(
      agents: AgentDeclaration[],
      options?: LinkOptions,
      onNews?: (news: HostNews) => void,
      services: ServiceDeclaration[] = [],
    ): Promise<HostLink> {
      const link = fixture.host(options).link()
      links.push(link)
      await link.open({ agents, services, sockets: [] }, never, onNews)
      return link
    }

    function agent(id: string, body: Body, more: Partial<AgentDeclaration> = {}): AgentDeclaration {
      return { id, heartbeatFiles: [path('heartbeat')], markers: [], configs: [], stopGraceMs: 5_000, body, ...more }
    }

    function watched(id: string, heartbeatFile: string): AgentDeclaration {
      return agent(id, { kind: 'command', start: ['true'] }, { heartbeatFiles: [heartbeatFile] })
    }

    async function script(text: string): Promise<string> {
      const file = path('script')
      await writeFile(file, `#!/bin/sh\n${text}\n`, { mode: 0o755 })
      return file
    }

    /** A program that the gate finds before the real one. */
    async function fake(program: string, text: string): Promise<void> {
      const file = join(fixture.programs, program)
      await writeFile(file, `#!/bin/sh\n${text}\n`)
      await chmod(file, 0o755)
    }

    function processBody(start: string[], more: { cwd?: string } = {}): Extract<Body, { kind: 'process' }> {
      const pidFile = path('pid')
      pidFiles.push(pidFile)
      return { kind: 'process', start, pidFile, log: path('log'), ...more }
    }

    /** A process that is none of the gate's business. */
    function stranger(): ChildProcess & { pid: number } {
      const child = spawn('sleep', ['600'], { stdio: 'ignore' })
      strangers.push(child)
      if (child.pid === undefined) throw new Error('sleep could not be started')
      return Object.assign(child, { pid: child.pid })
    }

    async function paneAgent(id: string, argv: string[], more: Partial<AgentDeclaration> = {}) {
      const pane = await tmux.open(id, argv)
      return { pane, declared: agent(id, { kind: 'pane', socket: tmux.socket, target: `${tmux.session}:${id}` }, more) }
    }

    const paneOf = (id: string) => async () => (await tmux.panes()).find((pane) => pane.window === id)

    async function deadPane(id: string, argv: string[]) {
      const made = await paneAgent(id, argv)
      killHard(made.pane.pid)
      await until(async () => (await paneOf(id)())?.dead, { withinMs: 20_000, what: 'tmux notices the death of the pane' })
      return made
    }

    const stubborn = (ready: string) => script(`trap '' TERM HUP\n: > ${ready}\nwhile :; do sleep 0.2; done`)
    const exists = (file: string) => async () => (await readText(file)) !== undefined

    describe('looking at heartbeat files', () => {
      it('sends what is in a file, with its age by the clock of the host', async () => {
        const file = path('beat')
        await writeFile(file, '{"at": 1}\n')
        const written = new Date(Date.now() - 90_000)
        await utimes(file, written, written)
        const link = await opened([watched('ezra', file)])
        const sighting = only(await link.beats(new Map()))
        expect(sighting.id).toBe('ezra')
        const { mtimeMs, ageMs, bytes, truncated } = content(sighting)
        expect(Buffer.from(bytes).toString()).toBe('{"at": 1}\n')
        expect(truncated).toBe(false)
        expect(Math.abs(mtimeMs - written.getTime())).toBeLessThanOrEqual(1_000)
        expect(ageMs).toBeGreaterThanOrEqual(89_000)
      })

      it('does not send again what has not changed, and sends what has', async () => {
        const file = path('beat')
        await writeFile(file, 'one')
        await utimes(file, new Date(1_000_000), new Date(1_000_000))
        const link = await opened([watched('ezra', file)])
        expect(sightOf(only(await link.beats(new Map()))).kind).toBe('content')
        expect(sightOf(only(await link.beats(new Map())))).toMatchObject({ kind: 'unchanged', mtimeMs: 1_000_000 })
        await writeFile(`${file}.new`, 'two')
        await utimes(`${file}.new`, new Date(1_000_000), new Date(1_000_000))
        await rename(`${file}.new`, file)
        expect(Buffer.from(content(only(await link.beats(new Map()))).bytes).toString()).toBe('two')
      })

      it('says missing of a file that is not there, and sees it once it is', async () => {
        const file = join(path('no-such-folder'), 'beat')
        const link = await opened([watched('ezra', file)])
        expect(sightOf(only(await link.beats(new Map())))).toEqual({ path: file, kind: 'missing' })
        await mkdir(join(file, '..'))
        await writeFile(file, '')
        expect(content(only(await link.beats(new Map()))).bytes).toHaveLength(0)
      })

      it('says unreadable of what is no file, and does not hang on a pipe', async () => {
        const folder = path('folder')
        await mkdir(folder)
        const pipe = path('pipe')
        execFileSync('mkfifo', [pipe])
        const link = await opened([watched('ezra', folder), watched('timmy', pipe)])
        const sightings = (await link.beats(new Map())).agents
        expect(sightings.map(sightOf)).toEqual([
          { path: folder, kind: 'unreadable', why: 'directory' },
          { path: pipe, kind: 'unreadable', why: 'pipe' },
        ])
      })

      it('keeps every byte of a binary file', async () => {
        const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 31) % 256)
        const small = path('small')
        const large = path('large')
        await writeFile(small, bytes.subarray(0, 600))
        await writeFile(large, bytes.subarray(0, 65_536))
        const link = await opened([watched('ezra', small), watched('timmy', large)])
        const [first, second] = (await link.beats(new Map())).agents
        expect(Buffer.from(content(first).bytes).equals(bytes.subarray(0, 600))).toBe(true)
        expect(Buffer.from(content(second).bytes).equals(bytes.subarray(0, 65_536))).toBe(true)
        expect(content(second).truncated).toBe(false)
      })

      it.each(['', 'no end of line', '\n\n\n', 'a\\nb \\\\ %s %d $(id)\r\n', '  blanks  \n\n', 'zuverlässig ✓\n'])(
        'keeps the text %j as it is',
        async (text) => {
          const file = path('beat')
          await writeFile(file, text)
          const link = await opened([watched('ezra', file)])
          expect(Buffer.from(content(only(await link.beats(new Map()))).bytes).toString()).toBe(text)
        },
      )

      it('cuts a file of 10 MB at 64 KiB and says so', async () => {
        const file = path('beat')
        await writeFile(file, Buffer.alloc(10_000_000, 'x'))
        const link = await opened([watched('ezra', file)])
        const { bytes, truncated } = content(only(await link.beats(new Map())))
        expect(bytes).toHaveLength(65_536)
        expect(truncated).toBe(true)
      })

      it('answers for sixty agents with large files, cutting the later ones shorter', async () => {
        const file = path('beat')
        await writeFile(file, Buffer.alloc(100_000, 'x'))
        const link = await opened(Array.from({ length: 60 }, (_, index) => watched(`agent-${index}`, file)))
        const lengths = (await link.beats(new Map())).agents.map((sighting) => content(sighting).bytes.length)
        expect(lengths[0]).toBe(65_536)
        expect(lengths[59]).toBe(1_024)
      })

      it('takes any name of a file', async () => {
        const names = ['with blank', '$(touch pwned)', '*', 'qu\'ote"s', '-n', 'tab\tin', 'ünï', 'a;b|c&d', '\\x41']
        const folder = path('names')
        await mkdir(folder)
        for (const name of names) await writeFile(join(folder, name), name)
        const link = await opened(names.map((name, index) => watched(`agent-${index}`, join(folder, name))))
        const sightings = (await link.beats(new Map())).agents
        expect(sightings.map((sighting) => Buffer.from(content(sighting).bytes).toString())).toEqual(names)
      })

      it('looks at several files of one agent, and at none of one that has none', async () => {
        const [first, second] = [path('beat'), path('other')]
        await writeFile(first, 'one')
        await writeFile(second, 'two')
        const link = await opened([
          agent('ezra', { kind: 'command', start: ['true'] }, { heartbeatFiles: [first, path('missing'), second] }),
          agent('scribe', { kind: 'command', start: ['true'] }, { heartbeatFiles: [] }),
        ])
        const [ezra, scribe] = (await link.beats(new Map())).agents
        expect(ezra?.files.map(({ kind }) => kind)).toEqual(['content', 'missing', 'content'])
        expect(ezra?.files.map((one) => one.kind === 'content' && Buffer.from(one.bytes).toString())).toEqual(['one', false, 'two'])
        expect(scribe?.files).toEqual([])
        expect(scribe?.jobs).toBeUndefined()
      })

      it('does not look through symbolic links, and sees files in folders that are links', async () => {
        const [target, link1, dangling, folder] = [path('target'), path('link'), path('dangling'), path('folder')]
        await writeFile(target, 'secret')
        await symlink(target, link1)
        await symlink(path('nowhere'), dangling)
        await symlink(fixture.folder, folder)
        const inFolder = join(folder, basename(target))
        const link = await opened([watched('ezra', link1), watched('timmy', dangling), watched('allegro', inFolder)])
        const sightings = (await link.beats(new Map())).agents
        expect(sightings.slice(0, 2).map(sightOf)).toEqual([
          { path: link1, kind: 'unreadable', why: 'symlink' },
          { path: dangling, kind: 'unreadable', why: 'symlink' },
        ])
        expect(Buffer.from(content(sightings[2]).bytes).toString()).toBe('secret')
      })

      it('says of a socket that it is no file, and of one that may not be read that it may not', async () => {
        const [socket, closed] = [path('socket'), path('closed')]
        const server = createServer()
        await new Promise<void>((resolve) => server.listen(socket, resolve))
        await writeFile(closed, 'x', { mode: 0o000 })
        const link = await opened([watched('ezra', socket), watched('timmy', closed)])
        const [first, second] = (await link.beats(new Map())).agents
        server.close()
        expect(sightOf(first)).toMatchObject({ kind: 'unreadable', why: 'special' })
        // Root may read everything.
        expect(sightOf(second)).toMatchObject(process.getuid?.() === 0 ? { kind: 'content' } : { kind: 'unreadable', why: 'denied' })
      })
    })

    describe('looking at a folder of jobs', () => {
      const jobsOf = (jobs: string) => agent('jobs', { kind: 'command', start: ['true'] }, { heartbeatFiles: [], jobs })

      it('finds the plain <job>.last files in it, sorted, and sends only what changed', async () => {
        const folder = path('jobs')
        await mkdir(folder)
        const link = await opened([jobsOf(folder)])
        expect(only(await link.beats(new Map()))).toMatchObject({ files: [], jobs: { kind: 'listed', isCut: false, odd: 0 } })
        const old = new Date(1_000_000)
        for (const name of ['b.last', 'a-1@x.last', 'a.alert', '.hidden.last', 'c.last.new', 'o dd.last', '$(id).last', '-n.last']) {
          await writeFile(join(folder, name), name)
          await utimes(join(folder, name), old, old)
        }
        const first = only(await link.beats(new Map()))
        expect(first.files.map(({ path, kind }) => [basename(path), kind])).toEqual([
          ['a-1@x.last', 'content'],
          ['b.last', 'content'],
        ])
        expect(first.jobs).toEqual({ kind: 'listed', isCut: false, odd: 3 })
        await writeFile(join(folder, 'b.last'), 'again')
        await rm(join(folder, 'a-1@x.last'))
        await symlink('/etc/hostname', join(folder, 'c.last'))
        const second = only(await link.beats(new Map()))
        expect(second.files.map(({ path, kind }) => [path, kind])).toEqual([
          [join(folder, 'b.last'), 'content'],
          [join(folder, 'c.last'), 'unreadable'],
        ])
      })

      it('looks at two hundred of them and says that there are more', async () => {
        const folder = path('jobs')
        await mkdir(folder)
        for (let job = 0; job < 210; job++) await writeFile(join(folder, `job-${String(job).padStart(3, '0')}.last`), '1712345678 60')
        const link = await opened([jobsOf(folder)])
        const { files, jobs } = only(await link.beats(new Map()))
        expect(jobs).toEqual({ kind: 'listed', isCut: true, odd: 0 })
        expect([files.length, basename(files.at(-1)?.path ?? '')]).toEqual([200, 'job-199.last'])
        expect(only(await link.beats(new Map())).files).toHaveLength(200)
      })

      it('says so where there is no such folder, or something else in its place', async () => {
        const [missing, plain] = [path('missing'), path('plain')]
        await writeFile(plain, 'x')
        const link = await opened([
          { ...jobsOf(missing), id: 'one' },
          { ...jobsOf(plain), id: 'two' },
        ])
        const [one, two] = (await link.beats(new Map())).agents
        expect(one).toMatchObject({ files: [], jobs: { kind: 'missing' } })
        expect(two).toMatchObject({ files: [], jobs: { kind: 'unreadable', why: 'file' } })
      })

      if (triesHanging('ls'))
        it('does not wait for one that hangs', async () => {
          await fake('ls', 'trap "" TERM\nwhile :; do sleep 0.2; done')
          const link = await opened([jobsOf(fixture.folder)])
          expect(only(await link.beats(new Map()))).toMatchObject({ files: [], jobs: { kind: 'unreadable', why: 'no-answer' } })
        })
    })

    describe('looking at the markers of people', () => {
      it('tells which are there, with their first line', async () => {
        const [said, empty, folder, long, link1] = [
          path('a.paused'),
          path('b.paused'),
          path('c.paused'),
          path('d.paused'),
          path('e.paused'),
        ]
        const secret = path('secret')
        await writeFile(said, 'being rebuilt \u001b[31muntil Friday\nmore')
        await writeFile(empty, '')
        await mkdir(folder)
        await writeFile(long, 'x'.repeat(1_000_000))
        await writeFile(secret, 'secret')
        await symlink(secret, link1)
        const markers = [said, path('none.paused'), empty, folder, long, link1]
        const link = await opened([agent('ezra', { kind: 'command', start: ['true'] }, { markers })])
        const found = only(await link.beats(new Map())).markers
        expect(found.map(({ path }) => path)).toEqual([said, empty, folder, long, link1])
        expect(found.map(({ reason }) => reason.slice(0, 30))).toEqual(['being rebuilt until Friday', '', '', 'x'.repeat(30), ''])
        await rm(said)
        expect(only(await link.beats(new Map())).markers.map(({ path }) => path)).not.toContain(said)
      })

      it('tells of one beside a job', async () => {
        const folder = path('jobs')
        await mkdir(folder)
        await writeFile(join(folder, 'backup.last'), '1712345678 60')
        await writeFile(join(folder, 'backup.last.paused'), 'the disk is full')
        const link = await opened([agent('jobs', { kind: 'command', start: ['true'] }, { heartbeatFiles: [], jobs: folder })])
        expect(only(await link.beats(new Map())).markers).toEqual([
          { path: join(folder, 'backup.last.paused'), reason: 'the disk is full' },
        ])
      })
    })

    describe('looking at processes', () => {
      it('tells an alive process from a gone one, and gives a restarted one another epoch', async () => {
        const declared = agent('ezra', processBody(['sleep', '600']))
        const link = await opened([declared])
        expect(only(await link.beats(new Map())).process).toEqual({ kind: 'gone' })
        await link.restart('ezra', 'only-dead', order(), () => {})
        const first = alive(only(await link.beats(new Map())))
        expect(first.epoch).toMatch(/^[0-9a-f-]{36}:\d+$/)
        killHard(first.pid)
        await until(async () => only(await link.beats(new Map())).process.kind === 'gone', {
          withinMs: 20_000,
          what: 'the process is gone',
        })
        expect(only(await link.beats(new Map())).process).toEqual({ kind: 'gone', pid: first.pid })
        await link.restart('ezra', 'only-dead', order(), () => {})
        expect(alive(only(await link.beats(new Map()))).epoch).not.toBe(first.epoch)
      })

      it('goes by the pid that the heartbeat states, where nothing else is known', async () => {
        const process = stranger()
        const declared = agent('ezra', { kind: 'command', start: ['true'] })
        const link = await opened([declared])
        expect(only(await link.beats(new Map())).process).toEqual({ kind: 'unknown' })
        await writeFile(heartbeatOf(declared), 'x')
        expect(alive(only(await link.beats(new Map([['ezra', process.pid]])))).pid).toBe(process.pid)
        killHard(process.pid)
        const sighting = await until(async () => gone(only(await link.beats(new Map([['ezra', process.pid]])))), {
          withinMs: 20_000,
          what: 'the process is gone',
        })
        expect(sighting.process).toEqual({ kind: 'gone', pid: process.pid })
      })

      it('does not take a process for the agent that began after the heartbeat was written', async () => {
        const declared = agent('ezra', { kind: 'command', start: ['true'] })
        await writeFile(heartbeatOf(declared), 'x')
        const before = new Date(Date.now() - 3_600_000)
        await utimes(heartbeatOf(declared), before, before)
        const process = stranger()
        const link = await opened([declared])
        expect(only(await link.beats(new Map([['ezra', process.pid]]))).process).toEqual({ kind: 'gone', pid: process.pid })
      })

      it('does not take an agent for gone because its heartbeat is not there for a moment', async () => {
        const declared = agent('ezra', { kind: 'command', start: ['true'] })
        const link = await opened([declared])
        expect(only(await link.beats(new Map([['ezra', stranger().pid]]))).process).toEqual({ kind: 'unknown' })
      })

      it('reads a pid file through a symbolic link that is older than the process', async () => {
        const process = stranger()
        const [target, pidFile] = [path('target'), path('pid')]
        await symlink(target, pidFile)
        execFileSync('touch', ['-h', '-d', '@1000000', pidFile])
        await writeFile(target, `${process.pid}\n`)
        const link = await opened([agent('ezra', { kind: 'command', start: ['true'], pidFile })])
        expect(alive(only(await link.beats(new Map()))).pid).toBe(process.pid)
      })

      it('asks whether the host is going down where that is wanted and a process is gone', async () => {
        const log = path('log')
        await fake('systemctl', `echo asked >> ${log}\necho stopping\nexit 1`)
        const link = await opened([agent('ezra', processBody(['true'])), agent('timmy', { kind: 'command', start: ['true'] })])
        const fine = await opened([agent('timmy', { kind: 'command', start: ['true'] })])
        expect((await link.beats(new Map())).isStopping).toBe(false)
        expect((await fine.beats(new Map(), { askStopping: true, awaited: [] })).isStopping).toBe(false)
        expect(await readText(log)).toBeUndefined()
        expect((await link.beats(new Map(), { askStopping: true, awaited: [] })).isStopping).toBe(true)
        await fake('systemctl', 'echo degraded\nexit 1')
        expect((await link.beats(new Map(), { askStopping: true, awaited: [] })).isStopping).toBe(false)
      })

      it('tells a live pane, a dead pane and no pane', async () => {
        const live = await paneAgent('live', ['sleep', '600'])
        const dead = await deadPane('dead', ['sleep', '600'])
        const missing = agent('missing', { kind: 'pane', socket: tmux.socket, target: `${tmux.session}:missing` })
        const serverless = agent('serverless', { kind: 'pane', socket: path('no.sock'), target: 'a:b' })
        const link = await opened([live.declared, dead.declared, missing, serverless])
        const [first, second, third, fourth] = (await link.beats(new Map([['dead', dead.pane.pid]]))).agents
        expect(first).toMatchObject({ pane: { kind: 'alive', id: live.pane.id }, process: { kind: 'alive', pid: live.pane.pid } })
        expect(second).toMatchObject({ pane: { kind: 'dead', id: dead.pane.id }, process: { kind: 'gone' } })
        expect(second?.process).not.toHaveProperty('pid')
        expect(third).toMatchObject({ pane: { kind: 'missing' }, process: { kind: 'gone' } })
        expect(fourth).toMatchObject({ pane: { kind: 'missing' }, process: { kind: 'gone' } })
      })

      it('finds panes by names that are not plain', async () => {
        const live = await paneAgent('wächter ✓: 1', ['sleep', '600'])
        const link = await opened([{ ...live.declared, id: 'ezra' }])
        expect(alive(only(await link.beats(new Map()))).pid).toBe(live.pane.pid)
      })

      it('prefers the stated pid to that of the pane, if it lives in the pane', async () => {
        const file = path('child')
        const worker = await script(`sleep 600 &\necho $! > ${file}.new; mv ${file}.new ${file}\nwait`)
        const { declared, pane } = await paneAgent('wrapped', [worker])
        const child = Number(await until(() => readText(file), { withinMs: 20_000, what: 'the worker names its child' }))
        const other = stranger()
        const link = await opened([declared])
        expect(alive(only(await link.beats(new Map([['wrapped', child]])))).pid).toBe(child)
        expect(alive(only(await link.beats(new Map([['wrapped', other.pid]])))).pid).toBe(pane.pid)
      })

      it('says unknown, not gone, when tmux does not answer', async () => {
        const { declared } = await paneAgent('blind', ['sleep', '600'])
        await fake('tmux', 'exit 137')
        const link = await opened([declared])
        const sighting = only(await link.beats(new Map()))
        expect(sighting.process).toEqual({ kind: 'unknown' })
        expect(sighting.pane).toBeUndefined()
        await expect(failure(link.restart('blind', 'only-dead', order(), () => {}))).resolves.toMatchObject({
          kind: 'failed',
          step: 'check',
        })
      })
    })

    const means = ['with what it has', ...(scope.means === 'those it has' ? [] : ['without the means to wait for it'])]
    describe.each(means)('telling of news as it happens, %s', (way) => {
      beforeEach(async () => {
        if (way !== 'with what it has') await fake('perl', 'exit 1')
      })
      const withinMs = 20_000

      /** A link that listens, and what it was told. */
      async function listening(agents: AgentDeclaration[]) {
        const told: HostNews[] = []
        const link = await opened(agents, {}, (news) => told.push(news))
        const tells = (times: number) => until(() => told.length >= times, { withinMs, what: `the host tells for the ${times}. time` })
        return { link, told, tells }
      }

      it('tells of a process that is gone, of that in a pane as well, once between two looks', async () => {
        const [body, other] = [processBody(['sleep', '600']), processBody(['sleep', '600'])]
        const { pane, declared } = await paneAgent(`told-${files}`, ['sleep', '600'])
        const { link, told, tells } = await listening([agent('ezra', body), agent('timmy', other), declared])
        await link.restart('ezra', 'only-dead', order(), () => {})
        await link.restart('timmy', 'only-dead', order(), () => {})
        await link.beats(new Map())
        for (const [index, pid] of [await pidIn(body.pidFile), await pidIn(other.pidFile), pane.pid].entries()) {
          expect(told).toHaveLength(index)
          killHard(pid ?? 0)
          await tells(index + 1)
          // Only who was seen alive at the last look is waited for.
          const isSeen = async () => {
            const { agents } = await link.beats(new Map())
            return agents.filter(gone).length === index + 1 && agents.filter(({ process }) => process.kind === 'alive').length === 2 - index
          }
          await until(isSeen, { withinMs, what: 'it is gone, and the others are seen alive' })
        }
        await twice(link)
        expect(told).toHaveLength(3)
      })

      it('tells of the process that only the heartbeat names', async () => {
        const process = stranger()
        const declared = agent('ezra', { kind: 'command', start: ['true'] })
        await writeFile(heartbeatOf(declared), 'x')
        const { link, tells } = await listening([declared])
        await link.beats(new Map([['ezra', process.pid]]))
        process.kill('SIGKILL')
        await tells(1)
      })

      it('tells of one that died right after it was seen', async () => {
        const declared = agent('ezra', { kind: 'command', start: ['true'] })
        const { link, tells } = await listening([declared])
        for (const round of [1, 2, 3]) {
          const process = stranger()
          await writeFile(heartbeatOf(declared), 'x')
          alive(only(await link.beats(new Map([['ezra', process.pid]]))))
          process.kill('SIGKILL')
          await tells(round)
        }
      })

      it('tells of one that died right after it was seen, though nobody asks how it ended', async () => {
        const declared = agent('ezra', { kind: 'command', start: ['true'] })
        const { link, tells } = await listening([declared])
        for (const round of [1, 2, 3]) {
          const file = path('child')
          // Its parent becomes a program that knows of no child: it stays a zombie.
          const parent = spawn('sh', ['-c', 'sleep 600 & echo $! > "$1.new"; mv "$1.new" "$1"; exec sleep 600', 'sh', file], {
            stdio: 'ignore',
          })
          strangers.push(parent)
          const pid = Number(await until(() => readText(file), { withinMs: 20_000, what: 'the parent names its child' }))
          await writeFile(heartbeatOf(declared), 'x')
          alive(only(await link.beats(new Map([['ezra', pid]]))))
          killHard(pid)
          await tells(round)
        }
      })

      it('does not put what it tells into the middle of an answer', async () => {
        const file = path('beat')
        const agents = Array.from({ length: 8 }, (_, index) => watched(`agent-${index}`, file))
        const { link } = await listening(agents)
        for (let round = 1; round <= 3; round++) {
          const process = stranger()
          await writeFile(file, Buffer.alloc(200_000, String(round)))
          const pids = new Map([['agent-0', process.pid]])
          expect((await link.beats(pids)).agents[0]?.process.kind).toBe('alive')
          await writeFile(file, Buffer.alloc(200_000, 'x'))
          const look = link.beats(pids)
          process.kill('SIGKILL')
          expect((await look).agents.map((sighting) => content(sighting).truncated)).toEqual(agents.map(() => true))
        }
      })

      const waitsFor = (...awaited: string[]) => ({ askStopping: false, awaited })

      it('tells of a heartbeat that is awaited, written whole or in its place, once between two looks', async () => {
        const [declared, other] = [watched('ezra', path('beat')), watched('timmy', path('other'))]
        const { link, told, tells } = await listening([declared, other])
        await writeFile(heartbeatOf(declared), 'first')
        await link.beats(new Map(), waitsFor('ezra'))
        await writeFile(`${heartbeatOf(declared)}.new`, 'second')
        await rename(`${heartbeatOf(declared)}.new`, heartbeatOf(declared))
        await tells(1)
        await writeFile(heartbeatOf(declared), 'third')
        await writeFile(heartbeatOf(other), 'nobody waits for it')
        expect(Buffer.from(content((await link.beats(new Map(), waitsFor('ezra'))).agents[0]).bytes).toString()).toBe('third')
        await writeFile(heartbeatOf(declared), 'and a fourth')
        await tells(2)
        await link.beats(new Map(), waitsFor())
        await writeFile(heartbeatOf(declared), 'nobody waits for that any more')
        await twice(link)
        expect(told).toEqual(['written', 'written'])
      })

      it('tells of an awaited heartbeat that was not there, nor its folder', async () => {
        const file = join(path('no-such-folder'), 'beat')
        const { link, told, tells } = await listening([watched('ezra', file)])
        await link.beats(new Map(), waitsFor('ezra'))
        await mkdir(join(file, '..'))
        await writeFile(file, 'x')
        await tells(1)
        expect(told).toEqual(['written'])
      })

      it('tells of a death after a heartbeat was told of, and of an awaited job', async () => {
        const [one, folder] = [stranger(), path('jobs')]
        await mkdir(folder)
        await writeFile(join(folder, 'nightly.last'), '1')
        const declared = agent('ezra', { kind: 'command', start: ['true'] }, { jobs: folder })
        await writeFile(heartbeatOf(declared), 'x')
        const { link, told, tells } = await listening([declared])
        await link.beats(new Map([['ezra', one.pid]]), waitsFor('ezra'))
        await writeFile(join(folder, 'nightly.last'), '22')
        await tells(1)
        one.kill('SIGKILL')
        await tells(2)
        expect(told).toEqual(['written', 'gone'])
      })

      it('leaves nothing running, neither when the connection is closed nor when the gate is killed', async () => {
        const declared = agent('ezra', processBody(['sleep', '600']))
        for (const end of ['close', 'kill']) {
          const others = gates()
          const { link } = await listening([declared])
          await failure(link.restart('ezra', 'only-dead', order(), () => {}))
          const before = running()
          await link.beats(new Map(), waitsFor('ezra'))
          await link.beats(new Map(), waitsFor('ezra'))
          const own = running().filter((pid) => !before.includes(pid))
          expect(own).not.toEqual([])
          if (end === 'close') await link.close()
          else for (const pid of gates()) if (![...others, ...own].includes(pid)) killHard(pid)
          await until(() => !own.some(isAlive), { withinMs, what: 'what waited beside the gate has ended' })
        }
      })
    })

    it('runs nothing beside the gate where nobody listens', async () => {
      const link = await opened([agent('ezra', processBody(['sleep', '600']))])
      await link.restart('ezra', 'only-dead', order(), () => {})
      const before = running()
      await twice(link)
      expect(running().filter((pid) => !before.includes(pid))).toEqual([])
    })

    probeContract({ fixture: () => fixture, opened, watched, fake, path, triesHanging })
    panesContract({ fixture: () => fixture, tmux: () => tmux, agent, fake, path, order, triesHanging })

    describe('respawn', () => {
      it('revives a dead pane with its own command', async () => {
        const { declared, pane } = await deadPane('revived', ['sleep', '601'])
        const link = await opened([declared])
        const steps: ActProgress[] = []
        const { text } = await link.respawn({ socket: tmux.socket, name: `${tmux.session}:revived` }, order(), (step) => steps.push(step))
        expect(text).toContain(pane.id)
        expect(steps.map(({ step }) => step)).toEqual(['check', 'start'])
        const now = await paneOf('revived')()
        expect(now).toMatchObject({ id: pane.id, dead: false })
        expect(now?.pid).not.toBe(pane.pid)
        expect(await readFile(`/proc/${now?.pid}/cmdline`, 'utf8')).toBe(['sleep', '601', ''].join('\0'))
      })

      it('refuses where the pane is alive or there is none to revive', async () => {
        const { declared, pane } = await paneAgent('lively', ['sleep', '600'])
        const link = await opened([declared, agent('ezra', processBody(['sleep', '600']))])
        await expect(
          failure(link.respawn({ socket: tmux.socket, name: `${tmux.session}:lively` }, order(), () => {})),
        ).resolves.toMatchObject({ kind: 'refused', step: 'check' })
        await expect(
          failure(link.respawn({ socket: tmux.socket, name: `${tmux.session}:ezra` }, order(), () => {})),
        ).resolves.toMatchObject({ kind: 'refused', step: 'check' })
        expect(isAlive(pane.pid)).toBe(true)
      })

      it('says so when the command ends again at once', async () => {
        const { declared } = await deadPane('hopeless', ['false'])
        const link = await opened([declared])
        await until(
          async () =>
            (await failure(link.respawn({ socket: tmux.socket, name: `${tmux.session}:hopeless` }, order(), () => {})))?.kind === 'failed',
          {
            withinMs: 20_000,
            what: 'it ends again',
          },
        )
      })
    })

    describe('restart', () => {
      it('stops a live pane first when a person asked', async () => {
        const { declared, pane } = await paneAgent('asked', ['sleep', '600'])
        const link = await opened([declared])
        const steps: ActProgress[] = []
        await link.restart('asked', 'stop-first', order(), (step) => steps.push(step))
        expect([...new Set(steps.map(({ step }) => step))]).toEqual(['check', 'stop', 'start'])
        expect(isAlive(pane.pid)).toBe(false)
        const now = await paneOf('asked')()
        expect(now).toMatchObject({ id: pane.id, dead: false })
        expect(now?.pid).not.toBe(pane.pid)
      })

      it('refuses a live one when the watch itself asked', async () => {
        const { declared, pane } = await paneAgent('spared', ['sleep', '600'])
        const link = await opened([declared])
        const error = await failure(link.restart('spared', 'only-dead', order(), () => {}))
        expect(error).toMatchObject({ kind: 'refused', step: 'check' })
        expect(error?.message).toContain(String(pane.pid))
        expect(isAlive(pane.pid)).toBe(true)
      })

      it('stops the worker inside a pane and the shell around it', async () => {
        const file = path('child')
        const worker = await script(`sleep 600 &\necho $! > ${file}.new; mv ${file}.new ${file}\ntrap : TERM\nwait; wait; sleep 600`)
        const { declared, pane } = await paneAgent('inner', [worker])
        const child = Number(await until(() => readText(file), { withinMs: 20_000, what: 'the worker names its child' }))
        const link = await opened([declared])
        await link.beats(new Map([['inner', child]]))
        await link.restart('inner', 'stop-first', order(), () => {})
        expect([isAlive(child), isAlive(pane.pid)]).toEqual([false, false])
        expect(await paneOf('inner')()).toMatchObject({ dead: false })
      })

      it('kills a worker that does not heed SIGTERM', async () => {
        const ready = path('ready')
        const { declared, pane } = await paneAgent('stubborn', [await stubborn(ready)], { stopGraceMs: 300 })
        await until(exists(ready), { withinMs: 20_000, what: 'the worker ignores SIGTERM' })
        const link = await opened([declared])
        const steps: ActProgress[] = []
        await link.restart('stubborn', 'stop-first', order(), (step) => steps.push(step))
        expect(steps.map(({ text }) => text)).toContainEqual(expect.stringContaining('SIGKILL'))
        expect(isAlive(pane.pid)).toBe(false)
      })

      it('never signals the pid that a dead pane still shows', async () => {
        const innocent = stranger()
        await fake('tmux', `case "$*" in *list-panes*) printf '1 ${innocent.pid} %%7 0\\tfleet:ghost\\n' ;; esac`)
        const declared = agent('ghost', { kind: 'pane', socket: tmux.socket, target: 'fleet:ghost' })
        await writeFile(heartbeatOf(declared), 'x')
        const link = await opened([declared])
        expect(only(await link.beats(new Map([['ghost', innocent.pid]])))).toMatchObject({
          process: { kind: 'gone' },
          pane: { kind: 'dead', id: '%7' },
        })
        const steps: ActProgress[] = []
        await failure(link.restart('ghost', 'stop-first', order(), (step) => steps.push(step)))
        expect(steps.map(({ step, text }) => `${step} ${text}`)).toContain('stop ghost is not running')
        expect(isAlive(innocent.pid)).toBe(true)
      })

      it('fails at its check where there is no pane', async () => {
        const link = await opened([agent('ezra', { kind: 'pane', socket: path('no.sock'), target: 'fleet:wächter ✓' })])
        const error = await failure(link.restart('ezra', 'stop-first', order(), () => {}))
        expect(error).toMatchObject({ kind: 'failed', step: 'check' })
        // Counted in bytes on both sides, or the frame would not fit.
        expect(error?.message).toContain('fleet:wächter ✓')
      })

      it('starts a process apart from the gate, and stops it with its children', async () => {
        const file = path('child')
        const cwd = path('cwd')
        await mkdir(cwd)
        const worker = await script(`echo hello; pwd; echo oops >&2; sleep 600 &\necho $! > ${file}.new; mv ${file}.new ${file}\nwait`)
        const body = processBody([worker, 'one two', ''], { cwd })
        const link = await opened([agent('ezra', body)])
        await link.restart('ezra', 'stop-first', order(), () => {})
        const pid = await pidIn(body.pidFile)
        const child = Number(await until(() => readText(file), { withinMs: 20_000, what: 'the worker names its child' }))
        expect(await readFile(body.log, 'utf8')).toBe(`hello\n${cwd}\noops\n`)
        const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? []
        expect(fields[3]).toBe(String(pid))
        expect(await readFile(`/proc/${pid}/cmdline`, 'utf8')).toBe(`/bin/sh\0${worker}\0one two\0\0`)
        await link.close()
        expect(isAlive(child)).toBe(true)

        const second = await opened([agent('ezra', body)])
        await second.restart('ezra', 'stop-first', order(), () => {})
        expect([isAlive(pid ?? 0), isAlive(child)]).toEqual([false, false])
        expect(await pidIn(body.pidFile)).not.toBe(pid)
      })

      it('ends the children that a dead process left before it starts another', async () => {
        const file = path('child')
        const worker = await script(`trap '' HUP TERM\nsleep 600 &\necho $! > ${file}.new; mv ${file}.new ${file}\nwait`)
        const body = processBody([worker])
        const link = await opened([agent('ezra', body, { stopGraceMs: 200 })])
        await link.restart('ezra', 'only-dead', order(), () => {})
        const child = Number(await until(() => readText(file), { withinMs: 20_000, what: 'the worker names its child' }))
        const leader = (await pidIn(body.pidFile)) ?? 0
        killHard(leader)
        await until(() => !isAlive(leader), { withinMs: 20_000, what: 'the process is gone' })
        await link.restart('ezra', 'only-dead', order(), () => {})
        expect(isAlive(child)).toBe(false)
      })

      it('kills what a shell around the worker leaves in the pane', async () => {
        const file = path('child')
        const worker = await stubborn(file)
        const { declared, pane } = await paneAgent('shelled', ['sh', '-c', `${worker} & wait`], { stopGraceMs: 300 })
        const child = await until(() => descendants(pane.pid).find(({ name }) => name !== 'sleep')?.pid, {
          withinMs: 20_000,
          what: 'a child',
        })
        await until(exists(file), { withinMs: 20_000, what: 'the worker ignores SIGTERM' })
        const link = await opened([declared])
        await link.restart('shelled', 'stop-first', order(), () => {})
        expect([isAlive(pane.pid), isAlive(child)]).toEqual([false, false])
      })

      it('lets a started process have signals, locale and standard input as if nobody had been in between', async () => {
        const out = path('out')
        const body = processBody([
          await script(
            `{ grep SigIgn /proc/$$/status; echo "LC_ALL=\${LC_ALL-unset}"; readlink /proc/$$/fd/0; } > ${out}.new; mv ${out}.new ${out}; exec sleep 600`,
          ),
        ])
        const link = await opened([agent('ezra', body)])
        await link.restart('ezra', 'only-dead', order(), () => {})
        const text = await until(() => readText(out), { withinMs: 20_000, what: 'the worker has looked at itself' })
        expect(text).toBe(`SigIgn:\t${fixture.ignoredSignals ?? '0000000000000000'}\nLC_ALL=unset\n/dev/null\n`)
      })

      it('says what a process said that ended at once', async () => {
        const body = processBody([await script('echo "no \u001b[31mkey" >&2; exit 7')])
        const link = await opened([agent('ezra', body)])
        const error = await failure(link.restart('ezra', 'stop-first', order(), () => {}))
        expect(error).toMatchObject({ kind: 'failed', step: 'start', message: 'ezra ended at once with status 7: no key' })
      })

      it('says which file cannot be written, and starts nothing then', async () => {
        const body = { ...processBody(['touch', path('started')]), pidFile: join(path('nowhere'), 'pid') }
        const link = await opened([agent('ezra', body)])
        const error = await failure(link.restart('ezra', 'stop-first', order(), () => {}))
        expect(error).toMatchObject({ kind: 'failed', step: 'start' })
        expect(error?.message).toContain(body.pidFile)
      })

      it.each(['an old pid file', 'a pid file of another epoch'])('leaves a stranger alone who has the pid of %s', async (kind) => {
        const innocent = stranger()
        const body = processBody(['sleep', '600'])
        await writeFile(body.pidFile, `${innocent.pid}\n`)
        if (kind === 'an old pid file') await utimes(body.pidFile, new Date(1_000_000), new Date(1_000_000))
        else await writeFile(`${body.pidFile}.epoch`, `${innocent.pid} 01234567-89ab-cdef-0123-456789abcdef:1\n`)
        const link = await opened([agent('ezra', body)])
        expect(only(await link.beats(new Map())).process).toEqual({ kind: 'gone', pid: innocent.pid })
        await link.restart('ezra', 'stop-first', order(), () => {})
        expect(isAlive(innocent.pid)).toBe(true)
        expect(await pidIn(body.pidFile)).not.toBe(innocent.pid)
      })

      it('does not signal a stranger because a heartbeat names him', async () => {
        const innocent = stranger()
        const body = processBody(['sleep', '600'])
        const declared = agent('ezra', body)
        const link = await opened([declared])
        await writeFile(heartbeatOf(declared), `{"pid": ${innocent.pid}}`)
        await link.beats(new Map([['ezra', innocent.pid]]))
        await expect(failure(link.restart('ezra', 'stop-first', order(), () => {}))).resolves.toMatchObject({
          kind: 'failed',
          step: 'stop',
        })
        await expect(failure(link.restart('ezra', 'only-dead', order(), () => {}))).resolves.toMatchObject({ kind: 'refused' })
        expect(isAlive(innocent.pid)).toBe(true)
      })

      it('runs the commands of an agent that has them, argument by argument', async () => {
        const log = path('log')
        const argv = ['', 'two words', '$(touch pwned)', '`id`', '*', '-n', "it's", 'a"b', 'ünï', '\\n', ';', 'tab\t', 'A:x', 'E:']
        const note = await script(`{ printf '<%s>' "$@"; echo; } >> ${log}`)
        const body: Body = { kind: 'command', start: [note, 'start', ...argv], stop: [note, 'stop'] }
        const link = await opened([agent('ezra', body)])
        await link.restart('ezra', 'stop-first', order(), () => {})
        expect(await readText(log)).toBe(`<stop>\n${['start', ...argv].map((word) => `<${word}>`).join('')}\n`)
      })

      it('names the step, the status and the last words of a command that failed', async () => {
        const fails = await script('echo first >&2; echo "no such thing" >&2; exit 3')
        const link = await opened([
          agent('ezra', { kind: 'command', start: [fails] }),
          agent('timmy', { kind: 'command', start: ['true'], stop: [fails] }),
        ])
        await expect(failure(link.restart('ezra', 'stop-first', order(), () => {}))).resolves.toMatchObject({
          kind: 'failed',
          step: 'start',
          message: 'the start command of ezra ended with status 3: no such thing',
        })
        await expect(failure(link.restart('timmy', 'stop-first', order(), () => {}))).resolves.toMatchObject({
          kind: 'failed',
          step: 'stop',
        })
      })

      it('is not held up by what a command leaves running', async () => {
        const file = path('child')
        const link = await opened([agent('ezra', { kind: 'command', start: [await script(`sleep 600 &\necho $! > ${file}`)] })])
        await link.restart('ezra', 'stop-first', order(), () => {})
        const child = Number(await readText(file))
        expect(isAlive(child)).toBe(true)
        killHard(child)
      })

      it('refuses to call dead what cannot be told', async () => {
        const ran = path('ran')
        const link = await opened([agent('ezra', { kind: 'command', start: ['touch', ran] })])
        await expect(failure(link.restart('ezra', 'only-dead', order(), () => {}))).resolves.toMatchObject({
          kind: 'refused',
          step: 'check',
        })
        expect(await readText(ran)).toBeUndefined()
      })

      it('has systemctl look at a unit and restart it', async () => {
        const main = stranger()
        // Its lock is all this machine's, and another file may try the same at this moment.
        const [system, user] = [`hermes@ezra-${process.pid}.service`, `timmy-${process.pid}.service`]
        const log = path('log')
        await fake('systemctl', `echo "$*" >> ${log}\ncase "$*" in *show*) echo "MainPID=$(cat ${log}.pid)" ;; esac`)
        await fake('sudo', 'shift\nexec "$@"')
        await writeFile(`${log}.pid`, String(main.pid))
        const link = await opened([
          agent('ezra', { kind: 'service', unit: system, scope: 'system' }),
          agent('timmy', { kind: 'service', unit: user, scope: 'user' }),
        ])
        const [first] = (await link.beats(new Map())).agents
        expect(first?.process).toMatchObject({ kind: 'alive', pid: main.pid })
        await expect(failure(link.restart('ezra', 'only-dead', order(), () => {}))).resolves.toMatchObject({ kind: 'refused' })
        await rm(log)
        await link.restart('ezra', 'stop-first', order(), () => {})
        await link.restart('timmy', 'stop-first', order(), () => {})
        const calls = (await readFile(log, 'utf8')).trim().split('\n')
        expect(calls.filter((call) => !call.includes('show'))).toEqual([`restart -- ${system}`, `--user restart -- ${user}`])
        await writeFile(`${log}.pid`, '0')
        expect((await link.beats(new Map())).agents[0]?.process).toEqual({ kind: 'gone' })
      })

      it('does not let two acts on one agent overlap', async () => {
        const ready = path('ready')
        const body = processBody([await stubborn(ready)])
        const declared = agent('ezra', body, { stopGraceMs: 1_500 })
        const link = await opened([declared])
        await link.restart('ezra', 'stop-first', order(), () => {})
        await until(exists(ready), { withinMs: 20_000, what: 'the worker ignores SIGTERM' })
        const stopping = Promise.withResolvers<void>()
        const first = link.restart('ezra', 'stop-first', order(), ({ step }) => step === 'stop' && stopping.resolve())
        await stopping.promise
        const other = await opened([{ ...declared, id: 'another-name' }])
        const error = await failure(other.restart('another-name', 'stop-first', order(), () => {}))
        expect(error).toMatchObject({ kind: 'refused', step: 'check' })
        expect(error?.message).toContain('under way')
        await first
      })

      it('breaks the lock of a gate that was killed', async () => {
        const ready = path('ready')
        const body = processBody([await stubborn(ready)])
        const declared = agent('ezra', body, { stopGraceMs: 30_000 })
        const link = await opened([declared])
        await link.restart('ezra', 'stop-first', order(), () => {})
        await until(exists(ready), { withinMs: 20_000, what: 'the worker ignores SIGTERM' })
        const first = failure(link.restart('ezra', 'stop-first', order(), () => {}))
        const sum = execFileSync(fixture.sum ?? 'cksum', { input: `process ${body.pidFile}` })
          .toString()
          .replace(/\s/g, '')
        const lock = `/tmp/towerwatch-${process.getuid?.()}/${sum}`
        const holder = await until(() => heldBy(lock), { withinMs: 20_000, what: 'the act has its lock' })
        killHard(holder)
        expect((await first)?.kind).toBe('unreachable')
        const second = await opened([{ ...declared, stopGraceMs: 100 }])
        await second.restart('ezra', 'stop-first', order(), () => {})
        expect(heldBy(lock)).toBeUndefined()
      })

      it('is brought to its end by the host when the watch goes away in the middle', async () => {
        const ready = path('ready')
        const body = processBody([await stubborn(ready)])
        const link = await opened([agent('ezra', body, { stopGraceMs: 2_500 })])
        await link.restart('ezra', 'stop-first', order(), () => {})
        await until(exists(ready), { withinMs: 20_000, what: 'the worker ignores SIGTERM' })
        const before = await pidIn(body.pidFile)
        const stopping = Promise.withResolvers<void>()
        const act = failure(link.restart('ezra', 'stop-first', order(), ({ step }) => step === 'stop' && stopping.resolve()))
        await stopping.promise
        await link.close()
        expect((await act)?.kind).toBe('closed')
        const after = await until(
          async () => {
            const pid = await pidIn(body.pidFile)
            return pid !== before && pid
          },
          { withinMs: 30_000, what: 'the agent is started again' },
        )
        expect(isAlive(after)).toBe(true)
      })
    })

    describe('the settings of an agent', () => {
      it('are told by hash, kept as they were seen, put back, and put again', async () => {
        const file = path('settings.json')
        const read = () => readFile(file, 'utf8')
        const now = async () => (await link.configs('ezra'))[0]
        await writeFile(file, '{"n": 1}')
        const link = await opened([agent('ezra', { kind: 'command', start: ['true'] }, { configs: [file] })])
        const first = await now()
        expect(first?.hash).toMatch(/^[0-9a-f]{64}$/)
        await link.keepConfigs('ezra', [first?.hash], order())
        await writeFile(file, '{"n": 2}')
        const second = await now()
        expect(second).toMatchObject({ path: file, goodHash: first?.hash })
        expect((await failure(link.keepConfigs('ezra', [first?.hash], order())))?.kind).toBe('refused')
        expect(await link.rollBackConfigs('ezra', order())).toEqual([file])
        expect(await read()).toBe('{"n": 1}')
        expect(await link.putBackConfigs('ezra', [second?.hash], order())).toEqual([file])
        expect(await read()).toBe('{"n": 2}')
      })
    })

    describe('what it refuses', () => {
      it.each(['x; touch pwned', '$(touch pwned)', '`id`', 'a\ntouch pwned', '-rf', '', 'EZRA', '../ezra', 'ezra ', 'nobody'])(
        'refuses to act on %j, and nothing is run',
        async (id) => {
          const ran = path('ran')
          const link = await opened([agent('ezra', { kind: 'command', start: ['touch', ran] })])
          for (const act of [
            link.restart(id, 'stop-first', order(), () => {}),
            link.respawn({ socket: tmux.socket, name: `${tmux.session}:${id}` }, order(), () => {}),
          ]) {
            await expect(failure(act)).resolves.toMatchObject({ kind: 'refused', step: 'check' })
          }
          expect(await readText(ran)).toBeUndefined()
        },
      )

      it.each<[string, Partial<AgentDeclaration>]>([
        ['an id with a command in it', { id: 'x; id' }],
        ['an id with a newline', { id: 'ezra\nE:' }],
        ['an id that begins with -', { id: '-ezra' }],
        ['a heartbeat path that is not absolute', { heartbeatFiles: ['beat'] }],
        ['a newline in an argument', { body: { kind: 'command', start: ['sh', '-c', 'a\nb'] } }],
        ['no arguments at all', { body: { kind: 'command', start: [] } }],
        ['a unit that begins with -', { body: { kind: 'service', unit: '--force', scope: 'system' } }],
        ['a unit with a blank', { body: { kind: 'service', unit: 'a b', scope: 'system' } }],
        ['a pane without a window', { body: { kind: 'pane', socket: '/tmp/s', target: 'fleet' } }],
        ['a grace that is no number', { stopGraceMs: Number.NaN }],
      ])('refuses a declaration with %s', async (_, wrong) => {
        const link = fixture.host().link()
        links.push(link)
        const declared = { ...agent('ezra', { kind: 'command', start: ['true'] }), ...wrong }
        await expect(failure(link.open({ agents: [declared], services: [], sockets: [] }, never))).resolves.toMatchObject({
          kind: 'refused',
        })
      })

      it('refuses an id that is declared twice', async () => {
        const link = fixture.host().link()
        links.push(link)
        const declared = agent('ezra', { kind: 'command', start: ['true'] })
        await expect(failure(link.open({ agents: [declared, declared], services: [], sockets: [] }, never))).resolves.toMatchObject({
          kind: 'refused',
        })
      })
    })

    describe('a connection', () => {
      it('answers many questions at once, each with its own answer', async () => {
        const file = path('beat')
        await writeFile(file, 'x')
        const link = await opened([watched('ezra', file)])
        const answers = await Promise.all([link.beats(new Map()), link.probe(), link.beats(new Map()), link.probe()])
        expect(answers[0]?.agents).toHaveLength(1)
        expect(answers[1]).toHaveProperty('cores')
        expect(answers[2]?.agents).toHaveLength(1)
      })

      it('is given up when a verb hangs, and later ones still work', async () => {
        const { declared } = await paneAgent('hung', ['sleep', '600'])
        await fake('tmux', 'exec sleep 8')
        const link = await opened([declared], { deadlines: { beatsMs: 400 } })
        await expect(failure(link.beats(new Map()))).resolves.toMatchObject({ kind: 'timeout' })
        expect((await link.lost).kind).toBe('timeout')
        await expect(failure(link.probe())).resolves.toMatchObject({ kind: 'timeout' })
        await rm(join(fixture.programs, 'tmux'))
        const later = await opened([declared])
        expect(only(await later.beats(new Map())).process.kind).toBe('alive')
      })

      it('leaves nothing running once it is closed', async () => {
        const before = gates()
        const link = await opened([])
        const own = gates().filter((pid) => !before.includes(pid))
        expect(own).not.toEqual([])
        await link.close()
        await until(() => !own.some(isAlive), { withinMs: 20_000, what: 'the gate has ended' })
        await expect(failure(link.probe())).resolves.toMatchObject({ kind: 'closed' })
        await expect(failure(link.restart('ezra', 'stop-first', order(), () => {}))).resolves.toMatchObject({ kind: 'closed' })
      })

      it('can be given up while it opens', async () => {
        const giveUp = new AbortController()
        const link = fixture.host().link()
        links.push(link)
        const opening = failure(link.open({ agents: [], services: [], sockets: [] }, giveUp.signal))
        giveUp.abort()
        expect((await opening)?.kind).toBe('closed')
      })
    })
  })
}

export async function failure(promise: Promise<unknown>): Promise<HostError | undefined> {
  try {
    await promise
  } catch (error) {
    return error as HostError
  }
  return undefined
}

function only({ agents }: HostSighting): AgentSighting {
  const [first] = agents
  if (!first || agents.length !== 1) throw new Error(`expected one sighting, got ${agents.length}`)
  return first
}

function sightOf(sighting: AgentSighting | undefined) {
  const [first] = sighting?.files ?? []
  if (!first) throw new Error(`expected a file, got ${JSON.stringify(sighting)}`)
  return first
}

function heartbeatOf(agent: AgentDeclaration): string {
  return agent.heartbeatFiles[0] ?? ''
}

function content(sighting: AgentSighting | undefined) {
  const found = sightOf(sighting)
  if (found.kind !== 'content') throw new Error(`expected content, got ${JSON.stringify(found)}`)
  return found
}

function alive(sighting: AgentSighting) {
  if (sighting.process.kind !== 'alive') throw new Error(`expected an alive process, got ${JSON.stringify(sighting)}`)
  return sighting.process
}

function gone(sighting: AgentSighting): AgentSighting | false {
  return sighting.process.kind === 'gone' && sighting
}

async function readText(file: string): Promise<string | undefined> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    return undefined
  })
  return found && readFile(file, 'utf8')
}

async function pidIn(file: string): Promise<number | undefined> {
  const text = await readText(file)
  return text === undefined || text.trim() === '' ? undefined : Number(text)
}

/** Pid of the gate that holds a lock. */
function heldBy(lock: string): number | undefined {
  const { status, stdout } = spawnSync('readlink', [lock])
  return status === 0 ? Number(stdout.toString().split('.')[0]) : undefined
}

/** Pids of all processes below this one. */
function running(): number[] {
  return descendants(process.pid).map(({ pid }) => pid)
}

/** The second answer comes after whatever the gate did once it had given the first. */
async function twice(link: HostLink): Promise<void> {
  await link.beats(new Map())
  await link.beats(new Map())
}

/** Pids of the gates (and ssh clients) below this process: they are given a nonce. */
function gates(): number[] {
  return descendants(process.pid)
    .map(({ pid }) => pid)
    .filter((pid) => isAlive(pid) && /-s[ \0][0-9a-f]{32}/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8')))
}
