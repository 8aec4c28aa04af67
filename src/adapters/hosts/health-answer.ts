/**
 * What the gate answers to `probe` (gate/probe.sh): first what can't hang, with the disks that are being asked, then, to each
 * `probe more`, the lines that have come in about disks and services meanwhile. Pure.
 */
import { z } from 'zod'
import type { DiskHealth, HostHealth, ServiceDeclaration, ServiceHealth } from '../../ports/host.ts'
import { ProtocolError, plainSentence } from './gate-protocol.ts'

const mostMounts = 64
const mostTop = 5
const mostName = 60

const decimal = z
  .string()
  .regex(/^\d{1,15}([.,]\d{1,9})?$/)
  .transform((text) => Number(text.replace(',', '.')))
const whole = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number)
const pid = z
  .string()
  .regex(/^[1-9]\d{0,9}$/)
  .transform(Number)
const values = z.object({
  now: z
    .string()
    .regex(/^-?\d{1,17}$/)
    .transform(Number),
  uptime: z.tuple([decimal]).rest(z.string()),
  load: z.tuple([decimal, decimal, decimal]).rest(z.string()),
  cores: decimal.pipe(z.number().int().min(1)),
  MemTotal: decimal,
  MemAvailable: decimal,
  SwapTotal: decimal,
  SwapFree: decimal,
  reboot: z.enum(['no', 'wanted', 'unknown']),
})
const kib = z.union([whole, z.literal('-')])
const sizes = z.tuple([kib, kib, kib, kib])
const state = z.enum(['up', 'down', 'unknown'])

/** One probe, as far as it has been answered. All of it throws ProtocolError for what is out of form. */
export class HealthAnswer {
  readonly #base: Omit<HostHealth, 'disks' | 'services' | 'byMemory' | 'byCpu'>
  readonly #byMemory: HostHealth['byMemory'] = []
  readonly #byCpu: HostHealth['byCpu'] = []
  /** As the host writes them, each with what is known of it; null: it is there, and has no size. */
  readonly #mounts = new Map<string, DiskHealth | null | undefined>()
  readonly #services: Map<string, ServiceHealth | undefined>
  #others: DiskHealth[] = []

  /** `first`: the answer to `probe`. `watchNowMs`: the watch's wall clock at the middle of that call. */
  constructor(declared: readonly Pick<ServiceDeclaration, 'id'>[], first: Buffer, watchNowMs: number) {
    this.#services = new Map(declared.map(({ id }) => [id, undefined]))
    const text = first.toString('utf8')
    const cut = text.indexOf('\ndf\n')
    const found = new Map<string, string>()
    for (const line of linesOf(cut < 0 ? text : text.slice(0, cut))) {
      const [key, rest] = split(line)
      if (!this.#take(key, rest)) found.set(key.replace(/:$/, ''), rest)
    }
    if (cut >= 0) this.#others = parseDf(text.slice(cut + 4))
    this.#base = baseOf(found, watchNowMs)
  }

  /** The answer to a `probe more`. */
  add(body: Buffer): void {
    for (const line of linesOf(body.toString('utf8'))) {
      const [key, rest] = split(line)
      if (!this.#take(key, rest)) throw new ProtocolError('a line of the probe is of an unknown kind')
    }
  }

  /** Nothing is waited for any more. */
  isWhole(): boolean {
    return [...this.#mounts.values(), ...this.#services.values()].every((known) => known !== undefined)
  }

  /** Disks that did not answer are said not to; services that did not are unknown. */
  health(): HostHealth {
    const disks = [...this.#mounts].flatMap(([mount, known]): DiskHealth[] => {
      if (known === null) return []
      return [known ?? { kind: 'no-answer', mount: plainSentence(mount) }]
    })
    return {
      ...this.#base,
      disks: [...disks, ...this.#others],
      services: [...this.#services].map(([id, known]) => known ?? { id, state: 'unknown', detail: 'its check did not end in time' }),
      byMemory: this.#byMemory,
      byCpu: this.#byCpu,
    }
  }

  #take(key: string, rest: string): boolean {
    switch (key) {
      case 'mount':
        if (rest.startsWith('/') && this.#mounts.size < mostMounts) this.#mounts.set(rest, undefined)
        return true
      case 'hung':
        if (this.#mounts.has(rest)) this.#mounts.set(rest, { kind: 'no-answer', mount: plainSentence(rest) })
        return true
      case 'disk':
        this.#takeDisk(rest)
        return true
      case 'service':
        this.#takeService(rest)
        return true
      case 'top-memory':
        keep(this.#byMemory, parseTop(rest, whole), (bytes) => ({ bytes }))
        return true
      case 'top-cpu':
        keep(this.#byCpu, parseTop(rest, decimal), (percent) => ({ percent }))
        return true
      default:
        return false
    }
  }

  #takeDisk(rest: string): void {
    const at = rest.indexOf(' /')
    const mount = rest.slice(at + 1)
    const [total, available, inodes, free] = parse(sizes, rest.slice(0, Math.max(0, at)).split(' '), 'disk')
    if (!this.#mounts.has(mount)) return
    if (total === '-' || available === '-' || total === 0) {
      this.#mounts.set(mount, null)
      return
    }
    const counted = inodes !== '-' && free !== '-' && inodes > 0 ? { inodes: { total: inodes, free: Math.min(free, inodes) } } : {}
    this.#mounts.set(mount, {
      kind: 'sized',
      mount: plainSentence(mount),
      totalBytes: total * 1024,
      availableBytes: Math.min(available, total) * 1024,
      ...counted,
    })
  }

  #takeService(rest: string): void {
    const [id, more] = split(rest)
    const [word, detail] = split(more)
    const known = parse(state, word, 'service')
    if (this.#services.has(id)) this.#services.set(id, { id, state: known, detail: plainSentence(detail) })
  }
}

function baseOf(found: ReadonlyMap<string, string>, watchNowMs: number) {
  const words = (key: string) => found.get(key)?.split(' ') ?? []
  const first = (key: string) => words(key)[0]
  const given = parse(
    values,
    {
      now: found.get('now'),
      uptime: words('uptime'),
      load: words('load'),
      cores: first('cores'),
      MemTotal: first('MemTotal'),
      // Kernels before 3.14 have none, and some containers show no swap.
      MemAvailable: first('MemAvailable') ?? first('MemFree'),
      SwapTotal: first('SwapTotal') ?? '0',
      SwapFree: first('SwapFree') ?? '0',
      reboot: found.get('reboot') ?? 'unknown',
    },
    'first',
  )
  return {
    uptimeS: given.uptime[0],
    load1: given.load[0],
    load5: given.load[1],
    load15: given.load[2],
    cores: given.cores,
    memoryTotalBytes: given.MemTotal * 1024,
    memoryAvailableBytes: given.MemAvailable * 1024,
    swapTotalBytes: given.SwapTotal * 1024,
    swapFreeBytes: given.SwapFree * 1024,
    reboot: given.reboot,
    clockOffsetMs: Math.round(given.now - watchNowMs),
  }
}

/** "PID NUMBER NAME". The name is outside text. */
function parseTop(rest: string, schema: z.ZodType<number>): { pid: number; name: string; value: number } {
  const [first, more] = split(rest)
  const [second, name] = split(more)
  const [found, value] = parse(z.tuple([pid, schema]), [first, second], 'top')
  return { pid: found, name: plainSentence(name).slice(0, mostName), value }
}

function keep<T>(list: ({ pid: number; name: string } & T)[], top: ReturnType<typeof parseTop>, of: (value: number) => T): void {
  const { pid: found, name, value } = top
  if (list.length < mostTop) list.push({ pid: found, name, ...of(value) })
}

const diskPattern = /^(\S.*?)\s+(\d+)\s+\d+\s+(-?\d+)\s+(?:\d+%|-)\s+(\/.*)$/

/** `df -klP`, where there is no list of mounts to ask one by one: without what is memory, each device once. */
function parseDf(text: string): DiskHealth[] {
  const seen = new Set<string>()
  const disks: DiskHealth[] = []
  for (const line of text.split('\n')) {
    const [, device = '', total = '', available = '', mount = ''] = diskPattern.exec(line) ?? []
    const real = device.startsWith('/') || device.includes(':') || mount === '/'
    if (!real || Number(total) === 0 || seen.has(device) || disks.length === mostMounts) continue
    seen.add(device)
    const availableBytes = Math.max(0, Number(available)) * 1024
    disks.push({ kind: 'sized', mount: plainSentence(mount), totalBytes: Number(total) * 1024, availableBytes })
  }
  return disks
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}

function split(line: string): [string, string] {
  const at = line.indexOf(' ')
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)]
}

function parse<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value)
  if (!result.success) throw new ProtocolError(`the ${what} part of a probe is malformed`)
  return result.data
}
