/** What every Host owes to who asks for the panes of tmux servers, has one revived or made again, or reads what is written there. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdir, readdir, readFile, rename, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import {
  type AgentDeclaration,
  type Body,
  type Host,
  HostError,
  type HostLink,
  type Order,
  type PaneSighting,
} from '../../src/ports/host.ts'
import { isAlive, killHard } from '../support/processes.ts'
import { programPath } from '../support/programs.ts'
import type { Tmux } from '../support/tmux.ts'
import { until } from '../support/until.ts'
import type { Hanging } from './host.ts'

interface Means {
  triesHanging(what: Hanging): boolean
  fixture(): { folder: string; host(): Host }
  tmux(): Tmux
  agent(id: string, body: Body, more?: Partial<AgentDeclaration>): AgentDeclaration
  fake(program: string, text: string): Promise<void>
  path(label: string): string
  order(): Order
}

/** How often a log is asked for while somebody swaps it; TOWERWATCH_RUNS says otherwise. */
const swapTries = Number(process.env['TOWERWATCH_RUNS'] ?? 25)

/** Whatever somebody may call a window, or have it called. */
const names = [
  'two words',
  'colon: and.dot',
  'zuverlässig ✓',
  '#{pane_id}#(touch pwned)',
  'q\'u"o`te$HOME',
  '-t',
  '*',
  'a\tb\nc',
  '%9 0 1 s g cx\tfleet:x',
]

export function panesContract({ fixture, tmux, agent, fake, path, order, triesHanging }: Means): void {
  describe('panes', () => {
    let links: HostLink[] = []
    let servers: string[] = []
    afterEach(async () => {
      await Promise.all(links.map((link) => link.close()))
      for (const socket of servers) call(socket, 'kill-server')
      links = []
      servers = []
    })

    async function opened(agents: AgentDeclaration[], sockets: string[] = []): Promise<HostLink> {
      const link = fixture().host().link()
      links.push(link)
      await link.open({ agents, services: [], sockets }, new AbortController().signal)
      return link
    }

    function call(socket: string, ...words: string[]): string {
      const { TMUX: _, ...env } = process.env
      return execFileSync(programPath('tmux'), ['-u', '-S', socket, '-f', '/dev/null', ...words], { env, encoding: 'utf8' }).trim()
    }
    const here = (...words: string[]) => call(tmux().socket, ...words)
    // tmux reads a name that it is given as a format, and would run what stands in one; a doubled sign stands for itself.
    const window = (name: string, ...argv: string[]) =>
      here('new-window', '-d', '-P', '-F', '#{pane_id}', '-t', 'fleet:', '-n', name.replaceAll('#', '##'), '--', ...argv)

    /** Wherever a tmux server or a gate may stand. */
    async function nothingRan(): Promise<void> {
      for (const folder of [fixture().folder, process.cwd(), '/', homedir()]) expect(await readdir(folder)).not.toContain('pwned')
    }

    async function shown(link: HostLink): Promise<Map<string, PaneSighting>> {
      const { panes } = await link.panes()
      expect(new Set(panes.map(({ socket, name }) => `${socket} ${name}`)).size).toBe(panes.length)
      return new Map(panes.map((pane) => [pane.paneId, pane]))
    }
    const isDead = (id: string) =>
      until(() => here('display-message', '-p', '-t', id, '#{pane_dead}') === '1', { withinMs: 20_000, what: `the end of ${id}` })
    const paneBody = (name: string, more: Partial<Extract<Body, { kind: 'pane' }>> = {}): Body => ({
      kind: 'pane',
      socket: tmux().socket,
      target: `fleet:${name}`,
      ...more,
    })

    it('shows each with its state, how it ended, its program, and since when it is quiet', async () => {
      const [alive, ended, killed] = [
        window('alive', 'sleep', '600'),
        window('ended', 'sh', '-c', 'exit 3'),
        window('killed', 'sh', '-c', 'kill -9 $$'),
      ]
      await Promise.all([isDead(ended), isDead(killed)])
      const panes = await shown(await opened([], [tmux().socket]))
      expect(panes.get(alive)).toMatchObject({ socket: tmux().socket, name: 'fleet:alive', state: 'alive', command: 'sleep' })
      expect(panes.get(alive)?.ended).toBeUndefined()
      expect(panes.get(alive)?.quietMs).toBeLessThan(600_000)
      // That tmux missed how it ended happens; it is never taken for another end.
      expect([{ status: 3 }, undefined]).toContainEqual(panes.get(ended)?.ended)
      expect([{ signal: '9' }, { signal: 'KILL' }, undefined]).toContainEqual(panes.get(killed)?.ended)
      expect([panes.get(ended)?.state, panes.get(killed)?.state]).toEqual(['dead', 'dead'])
    })

    it('calls them by names that stay when windows and panes are moved', async () => {
      const first = window('moved', 'sleep', '600')
      const second = here('split-window', '-d', '-P', '-F', '#{pane_id}', '-t', first, '--', 'sleep', '600')
      const same = window('moved', 'sleep', '600')
      const link = await opened([], [tmux().socket])
      const namesOf = async () => [first, second, same].map((id) => panes.get(id)?.name)
      let panes = await shown(link)
      const before = await namesOf()
      expect(before).toEqual(['fleet:moved', `fleet:moved.${second}`, `fleet:moved.${same}`])
      here('swap-pane', '-d', '-s', first, '-t', second)
      here('move-window', '-s', same, '-t', 'fleet:900')
      here('move-window', '-r', '-t', 'fleet:')
      panes = await shown(link)
      expect(await namesOf()).toEqual(before)
    })

    it('takes a name, and what a program calls itself, for nothing but text', async () => {
      const ids = names.map((name) => window(name, 'sleep', '600'))
      const liar = window('liar', 'perl', '-e', '$0 = "x\\n%1 1 1 s0 g cx\\tfleet:forged"; sleep 600')
      const link = await opened([], [tmux().socket])
      const pane = await until(
        async () => {
          const found = (await shown(link)).get(liar)
          return found?.command.startsWith('x_') && found
        },
        { withinMs: 20_000, what: 'the name that the program gives itself' },
      )
      expect(pane.state).toBe('alive')
      const panes = await shown(link)
      expect([...panes.values()].filter(({ name }) => name.includes('forged'))).toEqual([])
      expect(ids.map((id) => panes.get(id)?.name)).toEqual(names.map((name) => `fleet:${name.replace(/[\t\n]/g, '?')}`))
      await nothingRan()
    })

    if (triesHanging('tmux'))
      it('says on which sockets tmux does not answer; that no server is there is an answer', async () => {
        const socket = path('none')
        const link = await opened([], [socket, tmux().socket])
        expect((await link.panes()).blind).toEqual([])
        await fake('tmux', `case "$3" in ${socket}) exec sleep 30 ;; *) exec ${programPath('tmux')} "$@" ;; esac`)
        const { panes, blind } = await link.panes()
        expect(blind).toEqual([socket])
        expect(panes.length).toBeGreaterThan(0)
      })

    describe('revived', () => {
      it('by any name, with what stood there saved where only its owner reads it', async () => {
        const link = await opened([], [tmux().socket])
        for (const name of names.filter((_, index) => index % 4 === 0)) {
          const id = window(`r ${name}`, 'sh', '-c', 'printf "its last words\\n"; exec sleep 602')
          await until(() => here('capture-pane', '-p', '-t', id).includes('last words'), { withinMs: 20_000, what: 'what it writes' })
          const pid = Number(here('display-message', '-p', '-t', id, '#{pane_pid}'))
          killHard(pid)
          await isDead(id)
          const pane = (await shown(link)).get(id)
          if (!pane) throw new Error(`no pane ${id}`)
          const { text } = await link.respawn(pane, order(), () => {})
          const file = /is in (\/\S+\.txt)$/.exec(text)?.[1] ?? ''
          expect(await readFile(file, 'utf8')).toContain('its last words')
          expect((await stat(file)).mode & 0o777).toBe(0o600)
          expect((await stat(dirname(file))).mode & 0o777).toBe(0o700)
          expect(here('display-message', '-p', '-t', id, '#{pane_dead}')).toBe('0')
        }
      }, 60_000)

      it('keeps the newest twenty of what was saved', async () => {
        const id = window('kept', 'sleep', '602')
        const link = await opened([], [tmux().socket])
        const revive = async () => {
          killHard(Number(here('display-message', '-p', '-t', id, '#{pane_pid}')))
          await isDead(id)
          return (
            /is in (\/\S+\.txt)$/.exec((await link.respawn({ socket: tmux().socket, name: 'fleet:kept' }, order(), () => {})).text)?.[1] ??
            ''
          )
        }
        const folder = dirname(await revive())
        for (let index = 10; index < 35; index++) await writeFile(join(folder, `20200101T0000${index}Z-pane1-1.txt`), 'old')
        const file = await revive()
        const kept = (await readdir(folder)).filter((name) => name.endsWith('.txt'))
        expect(kept).toHaveLength(20)
        expect(kept).toContain(file.slice(folder.length + 1))
        expect(kept).not.toContain('20200101T000010Z-pane1-1.txt')
      })

      it('one of several of a name by its id, and none where two bear the very same', async () => {
        const first = window('twin', 'sleep', '600')
        const second = window('twin', 'sh', '-c', 'exit 1')
        await isDead(second)
        const link = await opened([], [tmux().socket])
        const target = { socket: tmux().socket, name: `fleet:twin.${second}` }
        expect(await failure(link.respawn(target, order(), () => {}))).toMatchObject({ kind: 'failed', step: 'start' })
        const pretender = window(`twin.${second}`, 'sleep', '600')
        expect((await failure(link.respawn(target, order(), () => {})))?.message).toContain('two panes')
        here('kill-pane', '-t', pretender)
        expect(here('display-message', '-p', '-t', first, '#{pane_dead}')).toBe('0')
      })

      it('not in a dry run, nor on a socket that was not declared, nor by a name that holds a newline', async () => {
        const id = window('dry', 'sh', '-c', 'exit 1')
        await isDead(id)
        const link = await opened([], [tmux().socket])
        const target = { socket: tmux().socket, name: 'fleet:dry' }
        const { text } = await link.respawn(target, { ...order(), isDryRun: true }, () => {})
        expect(text).toContain('would be run again in pane')
        expect(here('display-message', '-p', '-t', id, '#{pane_dead}')).toBe('1')
        const strange = await opened([], [path('none')])
        expect(await failure(strange.respawn(target, order(), () => {}))).toMatchObject({ kind: 'refused' })
        expect(await failure(link.respawn({ ...target, name: 'fleet:dry\nx' }, order(), () => {}))).toMatchObject({ kind: 'refused' })
      })
    })

    describe('made again', () => {
      const words = ['a;', ';', '\\;', 'a\\', '$HOME `id` $(id)', '"q" \'s\'', '#{pane_id}', '-n', '', 'ü ✓', '*']
      const told = async (file: string) =>
        until(async () => (await readFile(file, 'utf8').catch(() => '')).endsWith('end\n') && readFile(file, 'utf8'), {
          withinMs: 20_000,
          what: 'its arguments',
        })
      /** Writes its folder and its arguments into a file, and lives. */
      const teller = (file: string) => [
        '/bin/sh',
        '-c',
        `{ pwd; printf '[%s]\\n' "$@"; echo end; } >'${file}'; exec sleep 603`,
        'teller',
        ...words,
      ]

      it('with every word as it was declared, in its folder, whatever of it is gone', async () => {
        const folder = path("it's a $folder; #(touch pwned)")
        await mkdir(folder)
        const socket = path('lost')
        servers.push(socket)
        const file = path('told')
        const start = teller(file)
        const expected = [folder, ...words.map((word) => `[${word}]`), 'end', ''].join('\n')
        const declared = agent('remade', { kind: 'pane', socket, target: 'some crew:wor ker.1', start, cwd: folder })
        const link = await opened([declared])
        const restart = () => link.restart('remade', 'only-dead', order(), () => {})
        const madePane = () => call(socket, 'list-panes', '-s', '-t', '=some crew', '-F', '#{pane_id}')
        const losses = [
          () => {},
          () => void call(socket, 'kill-pane', '-t', madePane()),
          () => void call(socket, 'kill-session', '-t', '=some crew'),
          () => void call(socket, 'kill-server'),
        ]
        for (const lose of losses) {
          lose()
          if (lose !== losses.at(-1) && lose !== losses[0]) call(socket, 'has-session')
          await until(async () => (await link.beats(new Map())).agents[0]?.process.kind === 'gone', { withinMs: 20_000, what: 'its death' })
          await writeFile(file, '')
          await restart()
          expect(await told(file)).toBe(expected)
          // Another session, so that the server outlives the loss of this one.
          if (lose === losses[0]) call(socket, 'new-session', '-d', '-s', 'other', '--', 'sleep', '604')
        }
        expect(await failure(restart())).toMatchObject({ kind: 'refused' })
        expect(call(socket, 'show-options', '-w', '-v', '-t', madePane(), 'remain-on-exit')).toBe('on')
        await nothingRan()
      }, 60_000)

      it('not without a start, nor in a dry run, nor where the folder is not there', async () => {
        const link = await opened([
          agent('plain', paneBody('never-there')),
          agent('dry', paneBody('dry-made', { start: ['sleep', '600'] })),
          agent('astray', paneBody('astray', { start: ['sleep', '600'], cwd: path('nowhere') })),
        ])
        expect(await failure(link.restart('plain', 'stop-first', order(), () => {}))).toMatchObject({ kind: 'failed', step: 'check' })
        const { text } = await link.restart('dry', 'only-dead', { ...order(), isDryRun: true }, () => {})
        expect(text).toContain('would be made again')
        expect(await failure(link.restart('astray', 'only-dead', order(), () => {}))).toMatchObject({ kind: 'failed', step: 'start' })
        const namesNow = [...(await shown(link)).values()].map(({ name }) => name)
        for (const name of ['never-there', 'dry-made', 'astray']) expect(namesNow).not.toContain(`fleet:${name}`)
      })

      // tmux that hears of the end before it has read what stands in the terminal throws that away: 34 of 400 with 3.3a.
      it('says so, with its last words where tmux kept them, where it ends at once', async () => {
        const link = await opened([agent('brief', paneBody('brief', { start: ['/bin/sh', '-c', 'echo no key; exit 1'] }))])
        const messages: string[] = []
        while (messages.length < 10 && !messages.at(-1)?.includes('no key')) {
          const error = await failure(link.restart('brief', 'only-dead', order(), () => {}))
          expect(error).toMatchObject({ kind: 'failed', step: 'start' })
          const message = error?.message ?? ''
          expect(message).toMatch(/^pane %\d+ ended again at once: .*(no key|Pane is dead)/)
          messages.push(message)
          here('kill-pane', '-t', message.split(/[ :]/)[1] as string)
        }
        expect(messages.at(-1)).toContain('no key')
      })

      it('not beside one that lives on in a window with another name', async () => {
        const id = window('renamed', 'sleep', '600')
        const link = await opened([agent('renamed', paneBody('renamed', { start: ['sleep', '600'] }))])
        await link.beats(new Map())
        here('rename-window', '-t', id, 'something else')
        expect((await link.beats(new Map())).agents[0]).toMatchObject({ process: { kind: 'alive' }, pane: { kind: 'missing' } })
        expect(await failure(link.restart('renamed', 'only-dead', order(), () => {}))).toMatchObject({ kind: 'refused' })
      })
    })

    it('says of an agent that is gone, though the shell it was started from lives on, that it is gone', async () => {
      const pidFile = path('worker')
      const id = window('shell', 'sh', '-c', `sleep 605 & echo $! >'${pidFile}'; wait; exec sleep 606`)
      const pid = await until(async () => Number(await readFile(pidFile, 'utf8').catch(() => '')) || undefined, {
        withinMs: 20_000,
        what: 'the pid of the worker',
      })
      const link = await opened([agent('worker', paneBody('shell'))])
      const look = async (hint: number) => (await link.beats(new Map([['worker', hint]]))).agents[0]
      expect((await look(pid))?.process).toMatchObject({ kind: 'alive', pid })
      killHard(pid)
      await until(() => !isAlive(pid), { withinMs: 20_000, what: 'the end of the worker' })
      expect(await look(pid)).toMatchObject({ process: { kind: 'gone', pid }, pane: { kind: 'alive', id } })
      // A pid that was never seen in the pane is a container's own number, or somebody's mistake.
      expect((await look(999_999))?.process.kind).toBe('alive')
      await look(pid)
      await link.restart('worker', 'only-dead', order(), () => {})
      expect((await look(pid))?.pane).toMatchObject({ kind: 'alive' })
    })

    describe('read', () => {
      it('shows what stands in a pane, wrapped lines joined', async () => {
        const long = 'x'.repeat(200)
        const id = window('written', 'sh', '-c', `echo first; echo ${long}; exec cat`)
        const link = await opened([agent('written', paneBody('written'))])
        const tail = await until(
          async () => {
            const found = await link.tail('written')
            return found.text.includes('x') && found
          },
          { withinMs: 20_000, what: 'its lines' },
        )
        expect(tail).toEqual({ text: `first\n${long}`, from: 'pane', cursor: `pane.${id.slice(1)}`, isCut: false })
      })

      it('shows what came into a log since, whole lines only, also when it was rotated or begun anew', async () => {
        const log = path('log')
        await writeFile(log, 'one\ntwo\nthr')
        const link = await opened([agent('writer', { kind: 'command', start: ['true'] }, { log })])
        let tail = await link.tail('writer')
        expect(tail).toMatchObject({ text: 'one\ntwo\n', from: 'log', isCut: false })
        const more = async () => {
          tail = await link.tail('writer', tail.cursor)
          return tail
        }
        expect(await more()).toMatchObject({ text: '', isCut: false })
        await appendFile(log, 'ee\n')
        expect(await more()).toMatchObject({ text: 'three\n', isCut: false })
        await rename(log, `${log}.1`)
        await writeFile(log, 'new\n')
        expect(await more()).toMatchObject({ text: 'new\n', isCut: true })
        await truncate(log)
        await writeFile(log, 'a\n')
        expect(await more()).toMatchObject({ text: 'a\n', isCut: true })
        await appendFile(log, `${Array.from({ length: 2_000 }, (_, line) => `line ${line}`).join('\n')}\n`)
        const { text, isCut } = await more()
        expect(isCut).toBe(true)
        expect(text.length).toBeLessThanOrEqual(16_384)
        expect(text).toMatch(/^line \d+\n/)
        expect(text.endsWith('line 1999\n')).toBe(true)
        expect(await more()).toMatchObject({ text: '', isCut: false })
      })

      it('takes whatever bytes a log holds for text', async () => {
        const log = path('log')
        await writeFile(log, Buffer.concat([Buffer.from('$(id) `id` \\n %s\n'), Buffer.from([0, 255, 254, 10]), Buffer.from('ü ✓\n')]))
        const link = await opened([agent('writer', { kind: 'command', start: ['true'] }, { log })])
        const { text, cursor } = await link.tail('writer')
        expect(text).toBe('$(id) `id` \\n %s\n \ufffd\ufffd\nü ✓\n')
        expect((await link.tail('writer', cursor)).text).toBe('')
      })

      it('shows no file that a link leads to, and says where nothing is known', async () => {
        const [secret, log] = [path('secret'), path('log')]
        await writeFile(secret, 'secret\n')
        await symlink(secret, log)
        const link = await opened([
          agent('linked', { kind: 'command', start: ['true'] }, { log }),
          agent('absent', { kind: 'command', start: ['true'] }, { log: path('absent') }),
          agent('mute', { kind: 'command', start: ['true'] }),
          agent('away', paneBody('away')),
        ])
        for (const id of ['linked', 'absent', 'mute', 'away', 'stranger'])
          expect(await failure(link.tail(id))).toMatchObject({ kind: 'refused' })
        expect(await link.panes()).toBeDefined()
      })

      it('shows no file that a link leads to which somebody puts there while it is read', async () => {
        const [secret, log] = [path('secret'), path('log')]
        await writeFile(secret, 'secret\n'.repeat(200))
        await writeFile(log, 'plain\n')
        const link = await opened([agent('swapped', { kind: 'command', start: ['true'] }, { log })])
        // As fast as a shell can, until it is told to end; in one step, so that there always is something. The plain file is
        // always the same one, as with a link to a name that it keeps: its number says nothing.
        const swaps = `
          ln "$1" "$1.plain"
          while [ ! -e "$1.end" ]; do
            ln -s "$2" "$1.new"; mv -f "$1.new" "$1"
            rm -f "$1.new"; ln "$1.plain" "$1.new"; mv -f "$1.new" "$1"
            sleep 0.01
          done`
        const swapper = spawn('/bin/sh', ['-c', swaps, 'sh', log, secret], { stdio: 'ignore' })
        try {
          const said = new Map<string, number>()
          for (let ask = 0; ask < swapTries; ask++) {
            const told = await link.tail('swapped').then(
              ({ text }) => text,
              (error: unknown) => (error instanceof HostError ? error.kind : String(error)),
            )
            said.set(told, (said.get(told) ?? 0) + 1)
          }
          expect([...said.keys()].filter((told) => told !== 'plain\n' && told !== 'refused')).toEqual([])
          expect(said.get('plain\n')).toBeGreaterThan(0)
          expect(said.get('refused')).toBeGreaterThan(0)
        } finally {
          await writeFile(`${log}.end`, '')
          if (swapper.exitCode === null) await once(swapper, 'exit')
        }
      })
    })
  })
}

async function failure(promise: Promise<unknown>): Promise<HostError | undefined> {
  try {
    await promise
  } catch (error) {
    return error as HostError
  }
  return undefined
}
