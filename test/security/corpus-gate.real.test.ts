/**
 * Hostile texts in all that agents write and fleet.yaml may hold, through the gate under each shell: they come back byte for
 * byte, and nothing of them is run or expanded. TOWERWATCH_CORPUS=10000 tries as many.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLocalHost } from '../../src/adapters/hosts/local.ts'
import type { AgentDeclaration, HostLink } from '../../src/ports/host.ts'
import { orders } from '../support/orders.ts'
import { until } from '../support/until.ts'
import { type Canary, openCanary, shells } from './canary.ts'
import { corpusSize, hostileBytes, hostileTexts, inGroups, patienceMs, wellFormed } from './corpus.ts'

const count = corpusSize(240)
const groupSize = 60
const never = new AbortController().signal
const order = orders('corpus')
const decoder = new TextDecoder()

/** So many texts are lines of one log: to ask for each by itself would take a minute. */
const perLog = 10
const logOf = (group: readonly Buffer[], from: number): Buffer =>
  Buffer.concat(group.slice(from, from + perLog).flatMap((bytes) => [bytes.subarray(0, 1_000), Buffer.from('\n')]))

/** What a file of this name can be called: no slash, no NUL, no newline, and not too long. */
function fileName(text: string, index: number): string {
  let name = `${index} ${text.replace(/[/\0\n]/g, '')}`
  while (Buffer.byteLength(name) > 200) name = name.slice(0, Math.floor(name.length / 2))
  return wellFormed(name)
}

/** As one line of a declaration can carry it. */
const oneLine = (text: string) => wellFormed(text).replace(/[\0\n]/g, ' ')

describe.each(shells)('the gate under %s', { timeout: patienceMs(count) }, (_, shell) => {
  let canary: Canary
  let links: HostLink[] = []

  beforeAll(() => {
    canary = openCanary()
  })
  afterAll(async () => {
    await Promise.all(links.map((link) => link.close()))
    links = []
    canary.remove()
  })

  async function openLink(agents: AgentDeclaration[], sockets: string[] = []): Promise<HostLink> {
    const link = createLocalHost('local', { shell: canary.shell(shell()), env: canary.env }).link()
    links.push(link)
    await link.open({ agents, services: [], sockets }, never)
    return link
  }

  it(`gives ${count} heartbeats, markers and logs back as they are, from files that are called anything`, async () => {
    const texts = hostileTexts(count)
    for (const [number, group] of inGroups(hostileBytes(count), groupSize).entries()) {
      const folder = join(canary.folder, `group ${number}`)
      mkdirSync(folder)
      const agents = group.map((bytes, index): AgentDeclaration => {
        const name = fileName(texts[number * groupSize + index] ?? '', index)
        const path = (what: string) => join(folder, `${what} ${name}`)
        writeFileSync(path('beat'), bytes)
        writeFileSync(path('mark'), bytes)
        writeFileSync(path('log'), logOf(group, index))
        return {
          id: `a${index}`,
          heartbeatFiles: [path('beat')],
          markers: [path('mark')],
          configs: [],
          stopGraceMs: 100,
          log: path('log'),
          body: { kind: 'process', start: ['/bin/true'], pidFile: path('pid'), log: path('log') },
        }
      })
      const link = await openLink(agents)
      const sighted = await link.beats(new Map())
      for (const [index, bytes] of group.entries()) {
        const sighting = sighted.agents[index]
        const file = sighting?.files[0]
        expect(file?.kind, agents[index]?.heartbeatFiles[0]).toBe('content')
        if (file?.kind === 'content') expect(Buffer.from(file.bytes).equals(bytes), agents[index]?.heartbeatFiles[0]).toBe(true)
        expect(sighting?.markers[0]?.reason).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u)
      }
      for (let index = 0; index < group.length; index += perLog) {
        const { text } = await link.tail(`a${index}`)
        expect(text).toBe(decoder.decode(logOf(group, index).map((byte) => (byte === 0 ? 32 : byte))))
      }
      await link.close()
    }
    expect(canary.traces()).toEqual([])
  })

  it(`starts a program with ${count} arguments as they stand, in a folder that is called anything`, async () => {
    for (const [number, group] of inGroups(hostileTexts(count).map(oneLine), groupSize).entries()) {
      const folder = join(canary.folder, `start ${number}`)
      const cwd = join(folder, fileName(group[number % group.length] ?? '', 0))
      mkdirSync(cwd, { recursive: true })
      const said = join(folder, 'said')
      // A program that only says what it was given.
      const start = [
        '/bin/sh',
        '-c',
        `printf '%s\\0' "$@" >'${said}.new'; pwd >'${said}.cwd'; mv '${said}.new' '${said}'; sleep 1`,
        'sh',
        ...group,
      ]
      const agent: AgentDeclaration = {
        id: 'a',
        heartbeatFiles: [join(folder, 'beat')],
        markers: [],
        configs: [],
        stopGraceMs: 100,
        body: { kind: 'process', start, pidFile: join(folder, 'pid'), log: join(folder, 'log'), cwd },
      }
      const link = await openLink([agent])
      const told = await link.restart('a', 'stop-first', { ...order(), isDryRun: true }, () => {})
      expect(told.text).toContain('would be started')
      await link.restart('a', 'stop-first', order(), () => {})
      const given = await until(() => readFileSync(said, 'utf8'), { withinMs: 20_000, what: 'the program to have said what it was given' })
      expect(given.split('\0').slice(0, -1)).toEqual(group)
      expect(readFileSync(`${said}.cwd`, 'utf8')).toBe(`${cwd}\n`)
      await link.close()
    }
    expect(canary.traces()).toEqual([])
  })

  it('lists jobs by plain names only, whatever else lies in their folder', async () => {
    for (const [number, group] of inGroups(hostileTexts(count), 200).entries()) {
      const jobs = join(canary.folder, `jobs ${number}`)
      mkdirSync(jobs)
      const name = (text: string, index: number) => wellFormed(text.replace(/[/\0]/g, '').slice(0, 60)).concat(`${index}`)
      for (const [index, text] of group.entries()) writeFileSync(join(jobs, `${name(text, index)}.last`), '1')
      const agent: AgentDeclaration = {
        id: 'jobs',
        heartbeatFiles: [],
        jobs,
        markers: [],
        configs: [],
        stopGraceMs: 100,
        body: { kind: 'command', start: ['/bin/true'] },
      }
      const link = await openLink([agent])
      const [sighting] = (await link.beats(new Map())).agents
      for (const { path } of sighting?.files ?? []) expect(path.slice(jobs.length + 1)).toMatch(/^[A-Za-z0-9_@][A-Za-z0-9_.@-]*\.last$/)
      expect(sighting?.jobs?.kind).toBe('listed')
      await link.close()
    }
    expect(canary.traces()).toEqual([])
  })
  it('would be seen to expand something if it did', () => {
    const [program, ...words] = canary.shell([...shell(), '-c', '$(tw-pwn); : >tw-pwned'])
    spawnSync(program, words, { env: canary.env })
    expect(canary.traces()).toEqual(['ran:', 'tw-pwned'])
  })
})
