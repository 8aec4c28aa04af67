import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../../../src/adapters/hosts/gate-protocol.ts'
import { HealthAnswer } from '../../../src/adapters/hosts/health-answer.ts'
import type { HostHealth } from '../../../src/ports/host.ts'

const runs = Number(process.env['TOWERWATCH_RUNS'] ?? 2_000)
const head = 'now 5000\nuptime 10.5 20.1\nload 0.50 0.22 0.11 2/149 1\nMemTotal: 2000\nMemFree: 500\ncores 2\n'
const services = [{ id: 'gitea' }, { id: 'ollama' }]
const begun = (text: string, declared: { id: string }[] = []) => new HealthAnswer(declared, Buffer.from(text), 4_000)

describe('the answer to a probe', () => {
  it('is read with what an old kernel leaves out', () => {
    const answer = begun(head)
    expect(answer.isWhole()).toBe(true)
    expect(answer.health()).toEqual({
      uptimeS: 10.5,
      load1: 0.5,
      load5: 0.22,
      load15: 0.11,
      cores: 2,
      memoryTotalBytes: 2_048_000,
      memoryAvailableBytes: 512_000,
      swapTotalBytes: 0,
      swapFreeBytes: 0,
      disks: [],
      services: [],
      byMemory: [],
      byCpu: [],
      reboot: 'unknown',
      clockOffsetMs: 1_000,
    })
  })

  it('is whole once each disk and each service was heard of', () => {
    const answer = begun(`${head}reboot wanted\nmount /\nmount /mnt/a b\nservice gitea up it runs as pid 7\n`, services)
    expect(answer.isWhole()).toBe(false)
    answer.add(Buffer.from('disk 1000 250 100 40 /\nhung /mnt/a b\n'))
    expect(answer.isWhole()).toBe(false)
    answer.add(Buffer.from('service ollama down Connection refused\n'))
    expect(answer.isWhole()).toBe(true)
    expect(answer.health()).toMatchObject({
      reboot: 'wanted',
      disks: [
        { kind: 'sized', mount: '/', totalBytes: 1_024_000, availableBytes: 256_000, inodes: { total: 100, free: 40 } },
        { kind: 'no-answer', mount: '/mnt/a b' },
      ],
      services: [
        { id: 'gitea', state: 'up', detail: 'it runs as pid 7' },
        { id: 'ollama', state: 'down', detail: 'Connection refused' },
      ],
    })
  })

  it('says of what was not heard of that it did not answer', () => {
    const answer = begun(`${head}mount /\n`, services)
    expect(answer.health().disks).toEqual([{ kind: 'no-answer', mount: '/' }])
    expect(answer.health().services.map(({ state }) => state)).toEqual(['unknown', 'unknown'])
  })

  it('leaves out disks without a size, counts inodes only where there are some, and heeds nobody it did not ask', () => {
    const answer = begun(`${head}mount /\nmount /data\n`)
    answer.add(Buffer.from('disk - - - - /\ndisk 100 50 0 0 /data\ndisk 1 1 1 1 /elsewhere\nhung /elsewhere\nservice stranger up\n'))
    expect(answer.health()).toMatchObject({
      disks: [{ kind: 'sized', mount: '/data', totalBytes: 102_400, availableBytes: 51_200 }],
      services: [],
    })
    expect(answer.health().disks[0]).not.toHaveProperty('inodes')
  })

  it('names at most five who use most, each name as one plain line', () => {
    const top = Array.from(
      { length: 8 },
      (_, index) => `top-memory ${index + 2} ${1000 - index} a \u001b[31mname\u202e\ntop-cpu ${index + 2} 12.5 b\n`,
    )
    const { byMemory, byCpu } = begun(head + top.join('')).health()
    expect(byMemory).toHaveLength(5)
    expect(byMemory[0]).toEqual({ pid: 2, name: 'a name', bytes: 1000 })
    expect(byCpu[4]).toEqual({ pid: 6, name: 'b', percent: 12.5 })
  })

  it('of a host without a list of mounts has its df, each device once, without what is memory', () => {
    const df = [
      'Filesystem 1024-blocks Used Available Capacity Mounted on',
      'tmpfs 100 0 100 0% /dev/shm',
      '/dev/disk1s1 1000 400 600 40% /',
      '/dev/disk1s1 1000 400 600 40% /again',
      '/dev/disk2 50 60 -10 100% /Volumes/with blank',
      '/dev/disk3 0 0 0 - /empty',
      'nonsense',
    ]
    expect(begun(`${head}df\n${df.join('\n')}`).health().disks).toEqual([
      { kind: 'sized', mount: '/', totalBytes: 1_024_000, availableBytes: 614_400 },
      { kind: 'sized', mount: '/Volumes/with blank', totalBytes: 51_200, availableBytes: 0 },
    ])
  })

  it.each([
    ['nothing', ''],
    ['no cores', head.replace('cores 2', 'cores')],
    ['a load of words', head.replace('0.50', 'much')],
    ['half a service', `${head}service gitea\n`],
    ['a disk without sizes', `${head}disk /\n`],
    ['a size that is no number', `${head}mount /\ndisk 1e9 2 3 4 /\n`],
    ['a pid that is none', `${head}top-cpu 0 1.0 x\n`],
  ])('is an error where it has %s', (_what, text) => {
    expect(() => begun(text, services)).toThrow(ProtocolError)
  })

  it('is an error where it goes on with something else', () => {
    expect(() => begun(head).add(Buffer.from('uptime 5\n'))).toThrow(ProtocolError)
  })

  it('is read or refused, whatever it holds', () => {
    const number = fc.oneof(fc.nat().map(String), fc.constantFrom('-', '-5', '1e9', '', '99999999999999999'))
    const word = fc.oneof(number, fc.string({ maxLength: 8 }), fc.constantFrom('/', '/a b', 'gitea', 'up', 'down', '\u202e', '\u001b[2J'))
    const key = fc.constantFrom('mount', 'disk', 'hung', 'service', 'top-memory', 'top-cpu', 'df', 'cores', 'now', 'x')
    const line = fc.tuple(key, fc.array(word, { maxLength: 6 })).map(([first, rest]) => [first, ...rest].join(' '))
    const text = fc.array(line, { maxLength: 12 }).map((lines) => lines.join('\n'))
    fc.assert(
      fc.property(text, text, (first, more) => {
        const read = refusable(() => {
          const answer = begun(head + first, services)
          answer.add(Buffer.from(more))
          return answer.health()
        })
        if (read) expectPlain(read)
      }),
      { numRuns: runs },
    )
  })

  it('is refused or read where it is bytes of any kind', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const read = refusable(() => {
          const answer = begun(head, services)
          answer.add(Buffer.from(bytes))
          return answer.health()
        })
        if (read) expectPlain(read)
      }),
      { numRuns: runs },
    )
  })
})

function refusable(read: () => HostHealth): HostHealth | undefined {
  try {
    return read()
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError)
    return undefined
  }
}

function expectPlain(health: HostHealth): void {
  expect(health.services.map(({ id }) => id)).toEqual(['gitea', 'ollama'])
  expect(health.disks.length).toBeLessThanOrEqual(128)
  expect(Math.max(health.byMemory.length, health.byCpu.length)).toBeLessThanOrEqual(5)
  for (const disk of health.disks)
    if (disk.kind === 'sized') expect(disk.availableBytes).toBeLessThanOrEqual(Math.max(disk.totalBytes, disk.availableBytes))
  const texts = [
    ...health.disks.map(({ mount }) => mount),
    ...health.services.map(({ detail }) => detail),
    ...health.byCpu.map(({ name }) => name),
  ]
  for (const text of texts) {
    expect(text).not.toMatch(/\p{C}/u)
    expect(text.length).toBeLessThanOrEqual(300)
  }
}
