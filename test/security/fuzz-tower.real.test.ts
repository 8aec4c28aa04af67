/**
 * Rubbish from all sides at a real game: from nobody, from a player, and from the account of the watch itself, over the
 * websocket and over GMCP, at the pace that a stock Evennia lets through. TOWERWATCH_FRAMES=100000 sends as many;
 * TOWERWATCH_SEED has a run again.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { gameProcesses } from '../../src/adapters/game/processes.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { type GameAccount, startEvennia, type TestGame } from '../support/evennia.ts'
import { type Player, playerAt } from '../support/player.ts'
import { until } from '../support/until.ts'
import { type RudeClient, rudeClient, type Transport } from './fuzz-connections.ts'
import { asGmcp, asWebsocket, fuzzFrames, shapeless } from './fuzz-frames.ts'

const frames = Number(process.env['TOWERWATCH_FRAMES'] ?? 5_000)
const seed = Number(process.env['TOWERWATCH_SEED'] ?? 20_261_123)
/** Evennia drops what is more than 80 a second. */
const perSecond = 70
const pauseMs = 100

/** Stands in all that they send: nothing of it may ever be seen by anybody else. */
const strangers = { nobody: 'zqnobody', player: 'zqplayer' }

let game: TestGame
let onlooker: Player
let watch: RudeClient
const clients: RudeClient[] = []

beforeAll(async () => {
  // Not the pace of frames, only that of connections: those that Evennia has cut are made anew.
  game = await startEvennia({ settings: 'MAX_CONNECTION_RATE = 1000\n' })
  onlooker = await playerAt(game.ports.telnet, game.accounts.player)
  await onlooker.hears('Watch Room')
  watch = await client('websocket', game.accounts.bridge)
})
afterAll(async () => {
  for (const one of clients) one.close()
  onlooker?.close()
  await game?.stop()
})

async function client(transport: Transport, account?: GameAccount): Promise<RudeClient> {
  const one = await rudeClient(game, transport, account)
  clients.push(one)
  return one
}

interface Look {
  medianMs: number
  worstMs: number
  count: number
}

/** What `look` takes, again and again until `over`, with pauses as a person makes them. */
async function looks(over: () => boolean): Promise<Look> {
  const tookMs: number[] = []
  while (!over()) {
    const from = onlooker.lines.length
    const startMs = performance.now()
    onlooker.send('look')
    const index = await until(
      () => {
        const found = onlooker.lines.findIndex((line, number) => number >= from && line.startsWith('Watch Room'))
        return found === -1 ? undefined : found + 1
      },
      { withinMs: 60_000, what: 'the game to answer `look`' },
    )
    tookMs.push((onlooker.heardAtMs[index - 1] ?? Number.NaN) - startMs)
    await wait(150)
  }
  tookMs.sort((a, b) => a - b)
  return { medianMs: tookMs[tookMs.length >> 1] ?? Number.NaN, worstMs: tookMs.at(-1) ?? Number.NaN, count: tookMs.length }
}

const looksFor = (ms: number) => {
  const untilMs = performance.now() + ms
  return looks(() => performance.now() > untilMs)
}

async function memoryMib(): Promise<number> {
  const sizes = (await gameProcesses(game.folder)).map(
    ({ pid }) => /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1],
  )
  return sizes.reduce((sum, size) => sum + Number(size), 0) / 1024
}

const logLines = () => (game.log('server') + game.log('portal')).split('\n')

function sayHello(one: RudeClient): void {
  const message = {
    v: 1,
    id: 'fuzz',
    watch: '0.1.0',
    fleet: 'fuzzed',
    protocolHash: game.hashes.protocol,
    operationsHash: game.hashes.operations,
  }
  one.send(`["tower_hello",[],${JSON.stringify(message)}]`)
}

/** Becomes the watch of this game, with a fleet of two; resolves with the boot id of the game's server. */
async function hello(one: RudeClient): Promise<string> {
  sayHello(one)
  const boot = await until(
    () => one.last.map((text) => /^\["tower_welcome".*"boot": ?"([^"]+)"/.exec(text)?.[1]).find((id) => id !== undefined),
    {
      withinMs: 20_000,
      what: () => `a welcome; came: ${one.last.join(' ')}`,
    },
  )
  const agents = ['bezalel', 'timmy'].map((id) => ({
    id,
    name: id,
    host: 'forge',
    state: 'up',
    forMs: 0,
    beatAgeMs: 0,
    periodMs: 2_000,
    graceMs: 4_000,
    place: `pane ${id}`,
    policy: 'off',
  }))
  const hosts = [{ id: 'forge', name: 'forge', state: 'up', forMs: 0 }]
  one.send(`["tower_snapshot",[],${JSON.stringify({ v: 1, id: 's', boot, snapshot: 's', part: 1, parts: 1, hosts, agents })}]`)
  await until(() => one.heard.has('tower_ack'), { withinMs: 20_000, what: 'the snapshot to be taken' })
  return boot
}

interface Fuzzer {
  mark: string
  transport: Transport
  account?: GameAccount
  /** Introduces itself as a watch whenever it has connected. */
  greets?: true
}

interface Fuzzed {
  who: string
  connections: number
  answers: Map<string, number>
}

/** Sends `count` frames of its own at the pace that is let through; connects again whenever it is cut off. */
async function fuzz({ mark, transport, account, greets }: Fuzzer, stream: number, count: number, boot: string): Promise<Fuzzed> {
  const random = seededRandom(seed, stream)
  const next = fuzzFrames({ random, boot, hashes: game.hashes, mark, accountId: '1' }, true)
  const text = transport === 'websocket' ? asWebsocket : asGmcp
  const answers = new Map<string, number>()
  let connections = 0
  let one: RudeClient | undefined
  const keepCount = () => {
    for (const [name, times] of one?.heard ?? []) answers.set(name, (answers.get(name) ?? 0) + times)
  }
  for (let sent = 0; sent < count; ) {
    if (one === undefined || one.ended() !== undefined) {
      keepCount()
      one = await client(transport, account)
      // Whether it is welcomed, or another one is meanwhile, is part of it.
      if (greets) sayHello(one)
      connections += 1
    }
    for (let burst = 0; burst < (perSecond * pauseMs) / 1000 && sent < count; burst++, sent++) {
      one.send(random.chance(0.002) ? random.pick(shapeless) : text(next()))
    }
    await wait(pauseMs)
  }
  // What was sent last is answered, too.
  await wait(500)
  keepCount()
  one?.close()
  return { who: `${mark} over ${transport}`, connections, answers }
}

interface Measured {
  look: Look
  memoryMib: number
  lines: number
}

const measured = async (): Promise<Measured> => ({ look: await looksFor(3_000), memoryMib: await memoryMib(), lines: logLines().length })

/** All of them at once, and what a person who looks around feels of it meanwhile and thereafter. */
async function among(fuzzers: Fuzzer[], count: number, boot: string) {
  const before = await measured()
  let over = false
  const [during, done] = await Promise.all([
    looks(() => over),
    Promise.all(fuzzers.map((fuzzer, index) => fuzz(fuzzer, index, Math.ceil(count / fuzzers.length), boot))).finally(() => (over = true)),
  ])
  const after = await measured()
  if (process.env['TOWERWATCH_FRAMES'] !== undefined)
    console.log(
      JSON.stringify({
        frames: count,
        before,
        during,
        after,
        done: done.map((one) => ({ ...one, answers: Object.fromEntries(one.answers) })),
      }),
    )
  return { before, during, after, done }
}

/** Nobody waits, nothing grows, and the log has what Evennia itself says of connections and little else. */
function expectUnmoved({ before, during, after, done }: Awaited<ReturnType<typeof among>>, count: number): void {
  // Alone on a machine it is 40 ms and 10 ms; what else runs on it is in both.
  expect(during.medianMs).toBeLessThan(Math.max(250, 20 * before.look.medianMs))
  expect(after.look.medianMs).toBeLessThan(Math.max(100, 5 * before.look.medianMs))
  // What frames of a megabyte leave behind has its full height after some 15,000 frames, and is no more after 60,000 (84 and 108 MiB).
  expect(after.memoryMib - before.memoryMib).toBeLessThan(150)
  const log = logLines()
  const faults = log.flatMap((line, index) => (line.includes('Traceback') ? [log.slice(index - 2, index + 25).join('\n')] : []))
  expect(faults.slice(0, 2)).toEqual([])
  // Of each connection some lines, and three of each name that the game has no ears for: twenty names at most.
  const connections = done.reduce((sum, one) => sum + one.connections, 0)
  expect(after.lines - before.lines).toBeLessThan(count / 500 + connections * (10 + 3 * 20))
}

const heardByOthers = () =>
  [...onlooker.lines, ...watch.last].filter((line) => Object.values(strangers).some((mark) => line.includes(mark)))

async function fleetLines(): Promise<string[]> {
  const from = onlooker.lines.length
  onlooker.send('fleet')
  const last = () => onlooker.lines.findIndex((line, index) => index >= from && /^\d+ agents?: /.test(line))
  await until(() => last() !== -1, { withinMs: 20_000, what: () => `the fleet; came: ${onlooker.lines.slice(from).join('\n')}` })
  return onlooker.lines.slice(from, last() + 1)
}

describe(`${frames} frames of rubbish`, { timeout: 180_000 + frames * 30 }, () => {
  const both: Transport[] = ['websocket', 'telnet']

  it('from nobody and from a player change nothing, reach nobody, and the game goes on answering', async () => {
    const boot = await hello(watch)
    // Until they are over: a game whose watch is silent says so.
    const pings = setInterval(() => watch.send('["tower_ping",[],{"v":1,"id":"alive"}]'), 1_000)
    try {
      const count = Math.ceil(frames * 0.6)
      const fuzzers = both.flatMap((transport): Fuzzer[] => [
        { mark: strangers.nobody, transport },
        { mark: strangers.player, transport, account: game.accounts.visitor },
      ])
      const felt = await among(fuzzers, count, boot)
      for (const { answers, who } of felt.done) {
        expect(
          [...answers.keys()].filter((name) => !['text', 'logged_in', 'tower_error', 'tower_fleet', 'client_options'].includes(name)),
          who,
        ).toEqual([])
        // They did get as far as the ears.
        expect(answers.get('tower_error'), who).toBeGreaterThan(count / fuzzers.length / 6)
      }
      expect((await fleetLines()).join('\n')).toMatch(/^Agent[^\n]*\nbezalel +up [^\n]*\ntimmy +up [^\n]*\n2 agents: 2 up/)
      expect(heardByOthers()).toEqual([])
      expect(watch.ended()).toBeUndefined()
      expect([...watch.heard.keys()].filter((name) => name === 'tower_request' || name === 'tower_refused')).toEqual([])
      expectUnmoved(felt, count)
    } finally {
      clearInterval(pings)
    }
  })

  it('from them and from the account of the watch leave a game that a new watch puts right at once', async () => {
    watch.close()
    const count = Math.ceil(frames * 0.4)
    const bridge = game.accounts.bridge
    const first = await client('websocket', bridge)
    const boot = await hello(first)
    first.close()
    const felt = await among(
      [
        { mark: strangers.nobody, transport: 'telnet' },
        { mark: strangers.player, transport: 'websocket', account: game.accounts.visitor },
        { mark: 'zqwatch', transport: 'websocket', account: bridge, greets: true },
        { mark: 'zqwatch', transport: 'telnet', account: bridge },
      ],
      count,
      boot,
    )
    watch = await client('websocket', bridge)
    await hello(watch)
    expect((await fleetLines()).join('\n')).toMatch(/^Agent[^\n]*\nbezalel +up [^\n]*\ntimmy +up [^\n]*\n2 agents: 2 up/)
    expect(heardByOthers()).toEqual([])
    expectUnmoved(felt, count)
  })
})
