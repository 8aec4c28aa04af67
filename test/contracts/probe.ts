/** What every Host owes to who asks how it is: numbers, disks and services, and that nothing that hangs holds up the rest. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { LinkOptions } from '../../src/adapters/hosts/link.ts'
import type { AgentDeclaration, HostLink, HostNews, ServiceDeclaration } from '../../src/ports/host.ts'
import { until } from '../support/until.ts'
import type { Hanging } from './host.ts'

/** What the suite has at hand for each test. */
interface Means {
  triesHanging(what: Hanging): boolean
  fixture(): { programs: string }
  opened(
    agents: AgentDeclaration[],
    options?: LinkOptions,
    onNews?: (news: HostNews) => void,
    services?: ServiceDeclaration[],
  ): Promise<HostLink>
  watched(id: string, heartbeatFile: string): AgentDeclaration
  /** A program that the gate finds before the real one. */
  fake(program: string, text: string): Promise<void>
  path(label: string): string
}

export function probeContract({ fixture, opened, watched, fake, path, triesHanging }: Means): void {
  describe('probe', () => {
    let server: Server | undefined
    let sleeper: ChildProcess | undefined
    afterEach(() => {
      sleeper?.kill('SIGKILL')
      server?.closeAllConnections()
      server?.close()
      server = undefined
    })

    /** Answers with the status that stands in the path; nothing at all to /silent. */
    async function listening(): Promise<number> {
      const made = createServer((request, response) => {
        const status = Number(request.url?.slice(1))
        if (status >= 100) response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end('some text')
      })
      server = made
      await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve))
      return (made.address() as AddressInfo).port
    }

    const asking = async (services: ServiceDeclaration[]) => (await opened([], {}, undefined, services)).probe()

    it('tells how the host is', async () => {
      const link = await opened([], { now: () => Date.now() - 60_000 })
      const health = await link.probe()
      expect(health.uptimeS).toBeGreaterThan(0)
      expect(health.cores).toBeGreaterThanOrEqual(1)
      expect(health.memoryTotalBytes).toBeGreaterThan(health.memoryAvailableBytes)
      expect(health.memoryAvailableBytes).toBeGreaterThan(1_000_000)
      expect(health.disks).toContainEqual(expect.objectContaining({ kind: 'sized', mount: '/' }))
      expect(Math.abs(health.clockOffsetMs - 60_000)).toBeLessThan(10_000)
    })

    it('names who uses most memory and CPU, the most first', async () => {
      const link = await opened([])
      await link.probe()
      const { byMemory, byCpu } = await link.probe()
      expect(byMemory.length).toBeGreaterThan(0)
      for (const { pid, name, bytes } of byMemory) expect([pid > 0, name !== '', bytes >= 4_096]).toEqual([true, true, true])
      expect(byMemory.map(({ bytes }) => bytes)).toEqual(byMemory.map(({ bytes }) => bytes).sort((a, b) => b - a))
      expect(byCpu.map(({ percent }) => percent)).toEqual(byCpu.map(({ percent }) => percent).sort((a, b) => b - a))
      expect(Math.max(byMemory.length, byCpu.length)).toBeLessThanOrEqual(5)
    })

    it('tells the space and the inodes of a disk', async () => {
      const head = 'Filesystem 1024-blocks Used Available Capacity Mounted on'
      await fake('df', `echo '${head}'\ncase $1 in *i*) echo "a b 500 400 100 80% $3" ;; *) echo "a b 1000 400 -8 40% $3" ;; esac`)
      const { disks } = await (await opened([])).probe()
      expect(disks).toContainEqual({
        kind: 'sized',
        mount: '/',
        totalBytes: 1_024_000,
        availableBytes: 0,
        inodes: { total: 500, free: 100 },
      })
    })

    if (triesHanging('disk'))
      it('waits for no disk: beats are answered meanwhile, and one that owes an answer is not asked again', async () => {
        // Whoever waits for a disk that is away cannot be killed. Here it is one that holds on to the output of df.
        const [release, asked, beat] = [path('release'), path('asked'), path('beat')]
        await writeFile(beat, '1')
        await fake('df', `echo "$3" >> ${asked}\n( while [ ! -e ${release} ] && [ -e ${asked} ]; do sleep 0.1 || break; done ) &`)
        const link = await opened([watched('ezra', beat)], { deadlines: { collectMs: 2_500 } })
        const order: string[] = []
        const probe = link.probe().then((health) => {
          order.push('probe')
          return health
        })
        await link.beats(new Map())
        order.push('beats')
        expect((await probe).disks).toContainEqual({ kind: 'no-answer', mount: '/' })
        expect(order).toEqual(['beats', 'probe'])
        const times = async () => (await readFile(asked, 'utf8')).split('\n').filter((line) => line === '/').length
        expect(await times()).toBe(1)
        expect((await link.probe()).disks).toContainEqual({ kind: 'no-answer', mount: '/' })
        expect(await times()).toBe(1)
        await writeFile(release, '')
        await rm(`${fixture().programs}/df`)
        await until(async () => (await link.probe()).disks.some((disk) => disk.mount === '/' && disk.kind === 'sized'), {
          withinMs: 20_000,
          what: 'the disk answers again',
        })
      })

    it('asks services by HTTP: what they answer counts, and a redirection is not followed', async () => {
      const port = await listening()
      const url = (status: number | string) => `http://127.0.0.1:${port}/${status}`
      const { services } = await asking([
        { id: 'well', kind: 'http', url: url(200) },
        { id: 'moved', kind: 'http', url: url(302) },
        { id: 'broken', kind: 'http', url: url(500) },
        { id: 'closed', kind: 'http', url: url(401), status: 401 },
        { id: 'strict', kind: 'http', url: url(204), status: 200 },
        { id: 'away', kind: 'http', url: 'http://127.0.0.1:1/' },
      ])
      expect(services.map(({ id, state }) => [id, state])).toEqual([
        ['well', 'up'],
        ['moved', 'up'],
        ['broken', 'down'],
        ['closed', 'up'],
        ['strict', 'down'],
        ['away', 'down'],
      ])
      expect(services[0]?.detail).toBe('it answers 200')
      expect(services[2]?.detail).toBe('it answers 500, not 200 to 399')
      expect(services[4]?.detail).toBe('it answers 204, not 200')
      expect(services[5]?.detail).toMatch(/refused|could ?n.t connect/i)
    })

    it('asks services by TCP and by the name of their process', async () => {
      const port = await listening()
      sleeper = spawn('sleep', ['600'], { stdio: 'ignore' })
      const { services } = await asking([
        { id: 'process', kind: 'process', name: 'sleep' },
        { id: 'port', kind: 'tcp', address: '127.0.0.1', port },
        { id: 'no-port', kind: 'tcp', address: '127.0.0.1', port: 1 },
        { id: 'no-process', kind: 'process', name: 'no-such-process' },
      ])
      expect(services).toEqual([
        { id: 'process', state: 'up', detail: expect.stringMatching(/^it runs as pid \d+/) },
        { id: 'port', state: 'up', detail: 'it takes connections' },
        { id: 'no-port', state: 'down', detail: expect.stringMatching(/refused/i) },
        { id: 'no-process', state: 'down', detail: 'there is no process of that name' },
      ])
    })

    it('says of a service that it cannot tell, and why', async () => {
      await fake('systemctl', 'echo "Failed to connect to bus: No medium found" >&2\nexit 1')
      const { services } = await asking([
        { id: 'unit', kind: 'unit', unit: 'gitea.service', scope: 'system' },
        { id: 'job', kind: 'launchd', label: 'org.example.mail', scope: 'user' },
      ])
      expect(services).toEqual([
        { id: 'unit', state: 'unknown', detail: 'Failed to connect to bus: No medium found' },
        { id: 'job', state: 'unknown', detail: 'this host has no launchctl' },
      ])
    })

    if (triesHanging('service'))
      it('does not wait for a service that hangs, nor for the rest of many', async () => {
        const port = await listening()
        const silent = { kind: 'http', url: `http://127.0.0.1:${port}/silent` } as const
        const well = { kind: 'http', url: `http://127.0.0.1:${port}/200` } as const
        const { services } = await asking([
          { id: 'silent', ...silent },
          ...Array.from({ length: 12 }, (_, index) => ({ id: `well-${index}`, ...well })),
        ])
        expect(services[0]?.state).not.toBe('up')
        expect(services.filter(({ state }) => state === 'up').length).toBeGreaterThanOrEqual(8)
      })
  })
}
