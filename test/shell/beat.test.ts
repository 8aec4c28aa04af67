import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { epochOf } from '../../src/adapters/beats/epoch.ts'
import { httpBeatSource } from '../../src/adapters/push/server.ts'
import { Secret } from '../../src/config/config.ts'
import { type HeartbeatContent, readHeartbeat } from '../../src/domain/heartbeat.ts'
import type { PostedBeat, RunningBeatSource } from '../../src/ports/beat-source.ts'
import { type BeatOptions, beat } from '../../src/shell/beat.ts'
import { check } from '../../src/shell/check.ts'
import { type Shell, ShellError } from '../../src/shell/shell.ts'
import { keptLog } from '../support/log.ts'
import { realClock } from '../support/real-clock.ts'

const launcher = fileURLToPath(new URL('../../bin/towerwatch.js', import.meta.url))

let folder: string
let env: Record<string, string | undefined>
let said: string[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tw-beat-'))
  env = {}
  said = []
})
afterEach(() => rmSync(folder, { recursive: true }))

const path = (name: string) => join(folder, name)
const shell = (): Shell => ({
  out: (text) => void said.push(text),
  err: (text) => void said.push(text),
  env,
  cwd: folder,
  signal: new AbortController().signal,
  onReload: () => {},
})
const me = process.pid
const run = (agent: string, options: BeatOptions = {}) => beat(shell(), agent, options, me)
/** What it says, and its exit code. */
const failure = (agent: string, options: BeatOptions = {}) =>
  run(agent, options).then(
    () => 'ok',
    (error: unknown) => (error instanceof ShellError ? `${error.code}: ${error.message.replaceAll(folder, '.')}` : String(error)),
  )
const fields = (name: string) => JSON.parse(readFileSync(path(name), 'utf8'))
/** As the watch reads it. */
const reading = (name: string) => readHeartbeat(readFileSync(path(name)), false, { format: 'auto', name })
function content(name: string): HeartbeatContent {
  const read = reading(name)
  if (read.kind === 'fault') throw new Error(JSON.stringify(read.fault))
  return read.content
}

function declare(agents: string, more = ''): void {
  writeFileSync(
    path('fleet.yaml'),
    `version: 1
fleet: test
hosts: { local: { kind: local }, ezra: { kind: ssh, address: ezra.example.org } }
${more}
agents:
${agents}
`,
  )
}
const restart = 'restart: { kind: command, start: [/bin/true] }'
const agent = (id: string, heartbeat: string, host = 'local') => `  ${id}: { host: ${host}, heartbeat: { ${heartbeat} }, ${restart} }\n`

describe('a heartbeat file', () => {
  it('is written as the watch reads it', async () => {
    declare(agent('bezalel', `file: ${path('beat.json')}`))
    await run('bezalel', { busy: true, progress: '4.5', doing: 'the ark', model: 'm', pid: String(me) })
    expect(reading('beat.json')).toMatchObject({
      form: 'json',
      content: { seq: 1, busy: true, progress: 4.5, doing: 'the ark', model: 'm', pid: me, epoch: epochOf(me) },
    })
    expect(reading('beat.json')).not.toHaveProperty('fault')
    expect(said).toEqual([])
  })

  it('counts on in one life, and begins anew in the next', async () => {
    declare(agent('bezalel', `file: ${path('beat.json')}`))
    const seqs: unknown[] = []
    for (const epoch of ['one', 'one', 'one', 'two', 'two']) {
      await run('bezalel', { epoch })
      seqs.push(fields('beat.json').seq)
    }
    expect(seqs).toEqual([1, 2, 3, 1, 2])
  })

  it('that was torn is whole again', async () => {
    declare(agent('bezalel', `file: ${path('beat.json')}`))
    writeFileSync(path('beat.json'), '{"seq": 3, "ep')
    await run('bezalel')
    expect(fields('beat.json').seq).toBe(1)
  })

  it.each([
    [{ start: true }, { busy: true, doing: 'started' }],
    [
      { start: true, doing: 'the backup' },
      { busy: true, doing: 'the backup' },
    ],
    [{ idle: true }, { busy: false }],
    [{ exit: '0' }, { busy: false }],
    [{ exit: '3' }, { busy: false, failing: 'exit status 3' }],
    [{ fail: true }, { failing: 'its heartbeat says that it is failing' }],
    [{ fail: 'no credit left' }, { failing: 'no credit left' }],
  ] as const)('with %j says so to the watch', async (options, expected) => {
    declare(agent('bezalel', `file: ${path('beat.json')}`))
    await run('bezalel', options)
    const { saidAt: _, seq: _seq, epoch: _epoch, ...rest } = content('beat.json')
    expect(rest).toEqual(expected)
  })

  it('has its time under the key that fleet.yaml names', async () => {
    declare(agent('bezalel', `file: ${path('beat.json')}, format: json, timeField: last_seen`))
    await run('bezalel')
    expect(fields('beat.json')).not.toHaveProperty('at')
    expect(Date.parse(fields('beat.json').last_seen)).toBeGreaterThan(1_700_000_000_000)
  })

  it('of the format epoch holds the time, one of the format mtime keeps what it holds', async () => {
    declare(agent('gemini', `file: ${path('epoch')}, format: epoch`) + agent('ezra', `file: ${path('alive')}, format: mtime`))
    writeFileSync(path('alive'), 'kept')
    utimesSync(path('alive'), 1, 1)
    await run('gemini')
    await run('ezra', { exit: '0' })
    expect(reading('epoch')).toMatchObject({ form: 'epoch' })
    expect(readFileSync(path('alive'), 'utf8')).toBe('kept')
    expect(statSync(path('alive')).mtimeMs).toBeGreaterThan(1_000)
  })

  it('of a format that can say nothing is not made to say that a failed agent lives', async () => {
    declare(agent('gemini', `file: ${path('epoch')}, format: epoch`))
    for (const options of [{ exit: '1' }, { fail: 'x' }, { busy: true }] as const)
      expect(await failure('gemini', options)).toBe(
        '2: ./epoch has the format epoch, which can only say that somebody lives: the format json can say more.',
      )
    expect(existsSync(path('epoch'))).toBe(false)
  })

  it('may be named on a host without fleet.yaml', async () => {
    await run('ezra', { to: 'run/heartbeat.json' })
    expect(fields('run/heartbeat.json').seq).toBe(1)
  })

  it('that can not be written ends with 1', async () => {
    declare(agent('bezalel', `file: ${path('a-file')}/beat`))
    writeFileSync(path('a-file'), '')
    expect(await failure('bezalel')).toMatch(/^1: The beat could not be written: E/)
  })
})

describe("a job's record", () => {
  it('holds when it ran and how often it does, as the watch reads it', async () => {
    declare(agent('jobs', `jobs: ${path('jobs')}`))
    await run('jobs', { job: 'backup', every: '24h' })
    expect(reading('jobs/backup.last')).toMatchObject({ form: 'job', content: { intervalMs: 86_400_000 } })
    expect(reading('jobs/backup.last')).not.toHaveProperty('fault')
    expect(readdirSync(path('jobs'))).toEqual(['backup.last'])
  })

  it('keeps its interval where none is given', async () => {
    declare(agent('jobs', `jobs: ${path('jobs')}`))
    await run('jobs', { job: 'sync', every: '5m' })
    await run('jobs', { job: 'sync', exit: '2' })
    expect(reading('jobs/sync.last')).toMatchObject({ content: { intervalMs: 300_000, failing: 'exit status 2', busy: false } })
    await run('jobs', { job: 'sync' })
    expect(reading('jobs/sync.last')).toMatchObject({ content: { intervalMs: 300_000 } })
    expect(content('jobs/sync.last')).not.toHaveProperty('failing')
  })

  it('may be a single file, and one below any folder', async () => {
    declare(agent('nightly', `file: ${path('nightly.last')}`))
    await run('nightly', { every: '1d' })
    await run('jobs', { job: 'x', every: '1h', to: 'records' })
    expect([fields('nightly.last').job, fields('records/x.last').interval_seconds]).toEqual(['nightly', 3600])
  })

  it.each([
    [{ job: 'new' }, '2: --every: how often does this job run? Nobody can miss it otherwise. Such as: --every 1d'],
    [{ job: 'new', every: 'daily' }, '2: --every: expected a time such as "15m", "1h" or "1d", got "daily".'],
    [{ job: 'new', every: '10ms' }, '2: --every: expected a time such as "15m", "1h" or "1d", got "10ms".'],
    [{ every: '1d' }, '2: jobs is a folder of jobs: say which one with --job NAME.'],
    [
      { job: '../etc/passwd', every: '1d' },
      '2: --job: expected a name of letters, digits, "_", ".", "@" and "-" (at most 95, no "." or "-" first).',
    ],
    [
      { job: '.hidden', every: '1d' },
      '2: --job: expected a name of letters, digits, "_", ".", "@" and "-" (at most 95, no "." or "-" first).',
    ],
    [{ job: 'new', every: '1d', start: true }, '2: A record says that a job has run: leave --start out.'],
  ] as const)('%j is told what is wrong, and nothing is written', async (options, message) => {
    declare(agent('jobs', `jobs: ${path('jobs')}`))
    expect(await failure('jobs', options)).toBe(message)
    expect(existsSync(path('jobs'))).toBe(false)
  })
})

describe('fleet.yaml', () => {
  it('with faults elsewhere, or secrets that are not for everybody, stops no heart', async () => {
    declare(
      `${agent('bezalel', `file: ${path('beat.json')}`)}  ezra: { hearbeat: 3 }\n`,
      'tower: { url: nonsense, password: { file: /nowhere/secret } }\npoll: soon',
    )
    expect(await run('bezalel')).toBe(0)
  })

  it.each([
    ['bezalell', '2: ./fleet.yaml: there is no agent "bezalell": did you mean "bezalel"?'],
    ['quite-another', '2: ./fleet.yaml: there is no agent "quite-another": known are bezalel, ezra, hermes, odd, p, lost.'],
    ['__proto__', '2: "__proto__" is no name of an agent.'],
    ['Bezalel', '2: "Bezalel" is no name of an agent.'],
    ['ezra', '2: ./fleet.yaml: agents.ezra lives on ezra: beat there, and name the file (or the folder of jobs) with --to.'],
    ['hermes', '2: ./fleet.yaml: agents.hermes: Hermes writes its beats itself.'],
    ['odd', '2: ./fleet.yaml: agents.odd.heartbeat is not right: see towerwatch check.'],
    [
      'p',
      '2: ./fleet.yaml: agents.p.heartbeat.push.token: the environment variable P_TOKEN is not set, and TOWERWATCH_BEAT_TOKEN is not set.',
    ],
    ['lost', '2: ./fleet.yaml: agents.lost.heartbeat.push.token is not right: see towerwatch check.'],
  ])('that does not fit %s is told with its place', async (name, message) => {
    declare(
      agent('bezalel', `file: ${path('beat.json')}`) +
        agent('ezra', 'file: /x', 'ezra') +
        agent('hermes', 'hermes: /x') +
        agent('odd', 'file: relative') +
        agent('p', 'push: { token: { env: P_TOKEN } }') +
        agent('lost', 'push: {}'),
    )
    expect(await failure(name)).toBe(message)
  })

  it('that is missing, or no YAML, is told', async () => {
    expect(await failure('bezalel')).toBe(
      '2: There is no fleet.yaml here: name it with --config FILE, the heartbeat file with --to FILE, or the watch with --url URL.',
    )
    expect(await failure('bezalel', { url: 'http://127.0.0.1:1' })).toBe(
      '2: There is no token: set TOWERWATCH_BEAT_TOKEN, or name the fleet.yaml that has it with --config FILE.',
    )
    writeFileSync(path('fleet.yaml'), '{')
    expect(await failure('bezalel')).toMatch(/^2: \.\/fleet\.yaml can't be read: /)
  })

  it.each([
    [{ exit: '256' }, '2: --exit: expected a whole number from 0 to 255, got "256".'],
    [{ exit: '' }, '2: --exit: expected a number, got "".'],
    [{ pid: '1' }, '2: --pid: expected a whole number from 2 to 2147483647, got "1".'],
    [{ progress: 'much' }, '2: --progress: expected a number, got "much".'],
    [{ job: 'x', every: '1d' }, '2: bezalel has one heartbeat file: --job is for a folder of jobs.'],
    [{ every: '1d' }, '2: --every is for jobs: how often an agent beats stands in fleet.yaml.'],
    [{ url: 'http://127.0.0.1:1' }, '2: bezalel does not post its beats, says fleet.yaml: leave --url out, or set TOWERWATCH_BEAT_TOKEN.'],
  ])('given, %j is told what is wrong', async (options, message) => {
    declare(agent('bezalel', `file: ${path('beat.json')}`))
    expect(await failure('bezalel', options)).toBe(message.replace('says fleet.yaml', 'says ./fleet.yaml'))
    expect(existsSync(path('beat.json'))).toBe(false)
  })
})

describe('a posted beat', () => {
  let server: RunningBeatSource
  let taken: [string, PostedBeat][]
  beforeEach(async () => {
    taken = []
    const posters = new Map([['scribe', { token: new Secret("scribe's töken") }]])
    server = await httpBeatSource({
      listen: { host: '127.0.0.1', port: 0 },
      clock: realClock,
      log: keptLog(),
      bounds: { stopMs: 0 },
    }).start(posters, async (id, posted) => void taken.push([id, posted]))
    writeFileSync(path('token'), "scribe's töken\n")
    declare(agent('scribe', 'push: { token: { file: token } }'), `push: { listen: "${server.url.slice('http://'.length)}" }`)
  })
  afterEach(() => server.stop())

  it('goes where fleet.yaml says that the watch listens, with the token that it names', async () => {
    expect(await run('scribe', { epoch: 'e', busy: true, progress: '3', doing: 'a page' })).toBe(0)
    expect(taken).toEqual([['scribe', { epoch: 'e', busy: true, progress: 3, doing: 'a page' }]])
    expect(said).toEqual([])
  })

  it.each([
    [{ start: true }, { busy: true, doing: 'started' }],
    [{ exit: '7' }, { busy: false, failing: 'exit status 7' }],
    [{ fail: true }, { failing: '' }],
    [
      { fail: 'no credit left', idle: true },
      { busy: false, failing: 'no credit left' },
    ],
  ] as const)('with %j says so', async (options, beatSaid) => {
    await run('scribe', { epoch: 'e', ...options })
    expect(taken).toEqual([['scribe', { epoch: 'e', ...beatSaid }]])
  })

  it('goes to the URL that is given, with the token of the environment', async () => {
    rmSync(path('fleet.yaml'))
    env = { TOWERWATCH_BEAT_TOKEN: "scribe's töken" }
    for (const url of [server.url, `${server.url}/`, `${server.url}/beat/scribe`])
      expect(await failure('scribe', { url, epoch: 'e' })).toBe('ok')
    expect(taken).toHaveLength(3)
  })

  it('that is not taken ends with 1, and does not print the token', async () => {
    env = { TOWERWATCH_BEAT_TOKEN: 'wrong-token' }
    const message = await failure('scribe')
    expect(message).toBe(
      `1: The beat was not taken: ${server.url} answered 401: This is not the agent's token. Send it as: Authorization: Bearer TOKEN`,
    )
    expect(taken).toEqual([])
  })

  it.each([
    ['ftp://x', '2: --url: expected http://… or https://…'],
    ['http://scribe:secret@127.0.0.1:1', '2: --url: the token belongs into TOWERWATCH_BEAT_TOKEN; others can read a command line.'],
  ])('to %s is refused', async (url, message) => {
    env = { TOWERWATCH_BEAT_TOKEN: 'x' }
    expect(await failure('scribe', { url })).toBe(message)
  })

  it('with a token that no header can carry is refused', async () => {
    env = { TOWERWATCH_BEAT_TOKEN: 'a\nb' }
    expect(await failure('scribe')).toBe('2: The token holds a control character, which no header can carry.')
  })

  it('is sent by the real command, which says nothing, and is of one life while its caller lives', async () => {
    for (const args of [['--busy'], ['--exit', '4']]) {
      const child = spawn(process.execPath, [launcher, 'beat', 'scribe', ...args], { cwd: folder, env: { PATH: process.env['PATH'] } })
      const heard: Buffer[] = []
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => heard.push(chunk))
      const [code] = await once(child, 'close')
      expect([code, Buffer.concat(heard).toString('utf8')]).toEqual([0, ''])
    }
    expect(taken).toEqual([
      ['scribe', { epoch: epochOf(me), busy: true }],
      ['scribe', { epoch: epochOf(me), busy: false, failing: 'exit status 4' }],
    ])
  })

  it.each([
    [['beat'], "missing required argument 'agent'"],
    [['beat', 'scribe', '--busy', '--idle'], "'--busy' cannot be used with option '--idle'"],
    [['beat', 'scribe', '--fail', 'x', '--exit', '1'], "'--fail [text]' cannot be used with option '--exit <status>'"],
    [['beat', 'scribe', '--bussy'], "unknown option '--bussy'"],
  ])('%j ends with 2 and says what is wrong', async (args, message) => {
    const child = spawn(process.execPath, [launcher, ...args], { cwd: folder, env: { PATH: process.env['PATH'] } })
    let err = ''
    child.stderr.on('data', (chunk) => {
      err += chunk
    })
    const [code] = await once(child, 'close')
    expect([code, err]).toEqual([2, expect.stringContaining(message)])
  })

  it('may be posted, says towerwatch check, and where', () => {
    expect(check(shell(), {})).toBe(0)
    expect(said).toEqual(['fleet.yaml is fine: 1 agent on 2 hosts.', `Beats may be posted to ${server.url}/beat/<agent>, by scribe.`])
  })

  it('may be read on its way, says towerwatch check, where others can reach the address', () => {
    declare(agent('scribe', 'push: { token: { file: token } }'), 'push: { listen: "0.0.0.0:8787" }')
    check(shell(), {})
    expect(said.slice(1)).toEqual([
      'Beats may be posted to http://0.0.0.0:8787/beat/<agent>, by scribe.',
      'Mind: beats are taken in plain HTTP, where others on the way can read the tokens: listen on 127.0.0.1 behind a proxy with TLS.',
    ])
  })

  it('that nobody listens for is a fault of fleet.yaml', () => {
    declare(agent('scribe', 'push: { token: { file: token } }'))
    expect(check(shell(), {})).toBe(2)
    expect(said[0]).toContain(
      'agents.scribe.heartbeat.push: nothing listens for its beats: say where with push: { listen: 127.0.0.1:8787 }',
    )
  })
})
