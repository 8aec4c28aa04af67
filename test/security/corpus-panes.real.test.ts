/**
 * Hostile names of windows and words in panes, through a real tmux: its formats can run programs, and everybody who reaches
 * its server, every program in a pane even, may give names. TOWERWATCH_CORPUS=10000 tries as many.
 */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLocalHost } from '../../src/adapters/hosts/local.ts'
import type { AgentDeclaration, HostLink } from '../../src/ports/host.ts'
import { orders } from '../support/orders.ts'
import { programPath } from '../support/programs.ts'
import { startTmux, type Tmux } from '../support/tmux.ts'
import { type Canary, openCanary, shells } from './canary.ts'
import { corpusSize, hostileBytes, hostileTexts, inGroups, patienceMs } from './corpus.ts'

const run = promisify(execFile)
const windows = 40
const count = corpusSize(160)
const order = orders('panes')

describe.each(shells.slice(0, process.env['TOWERWATCH_CORPUS'] === undefined ? 3 : 1))(
  'panes seen by the gate under %s',
  { timeout: patienceMs(count) },
  (_, shell) => {
    let canary: Canary
    let tmux: Tmux
    let ids: string[]
    let link: HostLink

    beforeAll(async () => {
      canary = openCanary()
      // The server keeps the environment that it begins with, and so do the programs that its formats would run.
      const { PATH: before } = process.env
      process.env['PATH'] = canary.env['PATH']
      tmux = await startTmux(canary.folder)
      process.env['PATH'] = before
      const opened = []
      for (let index = 0; index < windows; index++) opened.push(await tmux.open(`w${index}`, ['sleep', '100000']))
      ids = opened.map(({ id }) => id)
      link = createLocalHost('local', { shell: canary.shell(shell()), env: canary.env }).link()
      const pane = (id: string, target: string): AgentDeclaration => ({
        id,
        heartbeatFiles: [join(canary.folder, id)],
        markers: [],
        configs: [],
        stopGraceMs: 100,
        body: { kind: 'pane', socket: tmux.socket, target },
      })
      await link.open(
        { agents: [pane('known', 'fleet:keeper'), pane('hostile', 'fleet:#(tw-pwn)')], services: [], sockets: [tmux.socket] },
        new AbortController().signal,
      )
    })
    afterAll(async () => {
      await link.close()
      await tmux.stop()
      canary.remove()
    })

    const ask = (...words: string[]) => run(programPath('tmux'), ['-u', '-S', tmux.socket, ...words], { env: canary.env })

    /** The name as it stands, and not what tmux would make of it: that is what the doubled sign means. */
    function renaming(id: string, name: string): string[] {
      const plain = name.replaceAll('\0', '').replaceAll('#', '##')
      // A `;` at the end of a word would end tmux's own command.
      return ['rename-window', '-t', id, '--', plain.endsWith(';') ? `${plain.slice(0, -1)}\\;` : plain]
    }

    it(`are told by their ${count} hostile names, and nothing of a name is run`, async () => {
      for (const group of inGroups(hostileTexts(count), windows)) {
        await ask(...group.flatMap((name, index) => [...(index === 0 ? [] : [';']), ...renaming(ids[index] ?? '', name.slice(0, 400))]))
        const { stdout } = await ask('list-panes', '-a', '-F', '#{pane_id} #{window_name}')
        const { panes, blind, isCut } = await link.panes()
        expect(blind).toEqual([])
        // Whose name is so long that nobody would read it is left out, and that is said.
        const short = stdout
          .trimEnd()
          .split('\n')
          .filter((line) => Buffer.byteLength(line) < 1_800)
        expect(panes.length).toBeGreaterThanOrEqual(short.length)
        expect(isCut).toBe(panes.length < windows + 1)
        for (const { paneId, name, state } of panes) {
          const own =
            stdout
              .split('\n')
              .find((line) => line.startsWith(`${paneId} `))
              ?.slice(paneId.length + 1) ?? ''
          expect(state).toBe('alive')
          // Whose name another, older pane has, too, has its own id behind it.
          expect([`fleet:${own}`, `fleet:${own}.${paneId}`]).toContain(name)
        }
        const [some] = panes.filter(({ paneId }) => paneId !== '%0')
        if (!some) throw new Error('there are no panes')
        await expect(
          link.respawn({ socket: tmux.socket, name: some.name }, { ...order(), isDryRun: true }, () => {}),
        ).rejects.toMatchObject({
          kind: 'refused',
        })
        await link.beats(new Map())
      }
      expect(canary.traces()).toEqual([])
    })

    it('are known by exactly their name', async () => {
      await ask(...renaming(ids[0] ?? '', '#(tw-pwn)'))
      for (const [index, wrong] of ['#(tw-pwn', '#*', '?(tw-pwn)', '', '#(tw-pwn).%999'].entries())
        await expect(
          link.respawn({ socket: tmux.socket, name: `fleet:${wrong}` }, { ...order(), isDryRun: true }, () => {}),
          `${index}`,
        ).rejects.toMatchObject({ kind: 'refused' })
      const { agents } = await link.beats(new Map())
      expect(agents.find(({ id }) => id === 'hostile')?.pane).toMatchObject({ kind: 'alive', id: ids[0] })
      expect(canary.traces()).toEqual([])
    })

    it('are respawned by what they were started with, however that reads, and it is told as text', async () => {
      const { id, pid } = await tmux.open('victim', [
        '/bin/sh',
        '-c',
        'exec sleep 100000',
        '#(tw-pwn)',
        '$(tw-pwn)',
        '%H',
        '#{E:#{l:##(tw-pwn)}}',
      ])
      await ask(...renaming(id, '#(tw-pwn) $(tw-pwn)'))
      process.kill(pid, 'SIGKILL')
      await expect.poll(async () => (await tmux.panes()).find((pane) => pane.id === id)?.dead, { timeout: 10_000 }).toBe(true)
      const pane = { socket: tmux.socket, name: 'fleet:#(tw-pwn) $(tw-pwn)' }
      const dry = await link.respawn(pane, { ...order(), isDryRun: true }, () => {})
      expect(dry.text).toContain('#(tw-pwn)')
      const steps: string[] = []
      await link.respawn(pane, order(), ({ text }) => void steps.push(text))
      expect(steps.join('\n')).toContain('$(tw-pwn)')
      expect((await tmux.panes()).find((one) => one.id === id)?.dead).toBe(false)
      expect(canary.traces()).toEqual([])
    })

    it('may print what they like: it comes as text', async () => {
      const file = join(canary.folder, 'said')
      await writeFile(
        file,
        Buffer.concat(hostileBytes(Math.min(count, 150)).flatMap((bytes) => [bytes.subarray(0, 300), Buffer.from('\n')])),
      )
      await tmux.open('talks', ['/bin/sh', '-c', 'cat "$1"; exec sleep 100000', 'sh', file])
      const talks = createLocalHost('local', { shell: canary.shell(shell()), env: canary.env }).link()
      const body = { kind: 'pane' as const, socket: tmux.socket, target: 'fleet:talks' }
      await talks.open(
        { agents: [{ id: 'talks', heartbeatFiles: [], markers: [], configs: [], stopGraceMs: 100, body }], services: [], sockets: [] },
        new AbortController().signal,
      )
      await expect.poll(async () => (await talks.tail('talks')).text.length, { timeout: 10_000 }).toBeGreaterThan(100)
      // What tmux understood of it is gone; nothing is left that would move a cursor.
      expect((await talks.tail('talks')).text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/)
      await talks.close()
      expect(canary.traces()).toEqual([])
    })
    it('would be seen to run something if it did', async () => {
      // tmux does not run it each time: it gives up what it has not begun when nobody waits for the answer any more.
      const traces = async () => {
        await ask('display-message', '-p', '#(tw-pwn)')
        return canary.traces()
      }
      await expect.poll(traces, { timeout: 20_000 }).not.toEqual([])
    })
  },
)
