/** The settings of agents on their host: what is told of them, keeping the good ones, and putting those back. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLocalHost } from '../../../src/adapters/hosts/local.ts'
import type { Body, ConfigSighting, HostLink } from '../../../src/ports/host.ts'
import { failure } from '../../contracts/host.ts'
import { hermesProgram } from '../../support/hermes.ts'
import { orders } from '../../support/orders.ts'
import { killHard } from '../../support/processes.ts'
import { programPath } from '../../support/programs.ts'

const shells: [string, () => [string, ...string[]]][] = [
  ['dash', () => [programPath('dash')]],
  ['bash', () => [programPath('bash')]],
  ['busybox sh', () => [programPath('busybox'), 'sh']],
]

describe.each(shells)('settings under %s', (_, shell) => {
  let folder: string
  let files: string[]
  let link: HostLink
  let pids: number[]
  const order = orders()

  beforeEach(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'tw-settings-')))
    mkdirSync(join(folder, 'of an agent'))
    files = ['config.yaml', "it's.json", 'more.toml', 'other.conf'].map((name) => join(folder, 'of an agent', name))
    pids = []
    link = await opened()
  })
  afterEach(async () => {
    await link.close()
    for (const pid of pids) killHard(pid)
    rmSync(folder, { recursive: true, force: true })
  })

  /** `more.body`: of another kind than a process that sleeps. */
  async function opened(more: { path?: string; body?: Body } = {}): Promise<HostLink> {
    const host = createLocalHost('local', {
      shell: shell(),
      env: { PATH: more.path ?? process.env['PATH'] ?? '', HOME: join(folder, 'home') },
    })
    const opening = host.link()
    const sleeper: Body = { kind: 'process', start: ['sleep', '600'], pidFile: join(folder, 'pid'), log: join(folder, 'log') }
    const agent = { id: 'ezra', heartbeatFiles: [], markers: [], stopGraceMs: 1_000, body: more.body ?? sleeper, configs: files }
    await opening.open({ agents: [agent], services: [], sockets: [] }, new AbortController().signal)
    return opening
  }

  const put = (index: number, text: string | Buffer) => writeFileSync(files[index] ?? '', text)
  const read = (index: number) => readFileSync(files[index] ?? '', 'utf8')
  const of = (sightings: ConfigSighting[], index: number) => {
    const found = sightings[index]
    if (!found) throw new Error(`no sighting ${index}`)
    return found
  }
  const form = async (index: number, text: string | Buffer) => {
    put(index, text)
    const { form: found, detail } = of(await link.configs('ezra'), index)
    return detail === undefined ? found : `${found}: ${detail}`
  }
  const keep = async () => {
    const hashes = (await link.configs('ezra')).map(({ hash }) => hash)
    await link.keepConfigs('ezra', hashes, order())
    return hashes
  }

  it('are told by their hashes, and never by what stands in them', async () => {
    put(0, 'api_key: sk-very-secret\n')
    put(3, 'anything')
    const seen = await link.configs('ezra')
    expect(seen).toEqual([
      { path: files[0], hash: sha('api_key: sk-very-secret\n'), written: 'unknown', form: expect.stringMatching(/^(sound|unknown)$/) },
      { path: files[1], written: 'unknown', form: 'unknown' },
      { path: files[2], written: 'unknown', form: 'unknown' },
      { path: files[3], hash: sha('anything'), written: 'unknown', form: 'unknown' },
    ])
  })

  it('say whether the agent began with them', async () => {
    put(0, 'a: 1\n')
    await link.restart('ezra', 'stop-first', order(), () => {})
    pids.push(Number(readFileSync(join(folder, 'pid'), 'utf8')))
    put(3, 'new')
    const old = new Date(Date.now() - 60_000)
    execFileSync('touch', ['-d', old.toISOString(), files[0] ?? ''])
    // A tick of the clock later than the process.
    execFileSync('touch', ['-d', new Date(Date.now() + 2_000).toISOString(), files[3] ?? ''])
    const seen = await link.configs('ezra')
    expect([of(seen, 0).written, of(seen, 3).written]).toEqual(['before', 'after'])
  })

  it('that cannot be read are told with line and column, without what stands there', async () => {
    // Its own Python reads YAML; that of the host may not.
    await link.close()
    link = await opened({ body: { kind: 'hermes', home: folder, program: hermesProgram(), unit: 'no-such.service', scope: 'user' } })
    expect(await form(0, 'model:\n  key: sk-secret\n  broken: [1, 2\nnext: : x\n')).toMatch(
      /^broken: it cannot be read as what its name says \(line \d+, column \d+\)$/,
    )
    expect(await form(0, 'a: !include other.yaml\nb: !!python/object:os.system {}\n')).toBe('sound')
    expect(await form(0, '\n# nothing\n')).toBe('broken: there is nothing in it')
    expect(await form(0, '')).toBe('broken: there is nothing in it')
    expect(await form(0, 'half a wo')).toBe('broken: it holds no settings, but one bare value')
    expect(await form(0, Buffer.from([0x61, 0x0a, 0xff, 0xfe]))).toBe('broken: it is no UTF-8 text (line 2)')
    expect(await form(1, '{"key": "sk-secret",\n  }')).toMatch(/^broken: it cannot be read as what its name says \(line \d, column \d+\)$/)
    expect(await form(1, '{"a": [1]}')).toBe('sound')
    expect(await form(2, 'a = 1\nb = \n')).toMatch(/^broken: it cannot be read as what its name says( \(line 2, column \d+\))?$/)
    expect(await form(2, '[table]\na = 1\n')).toBe('sound')
    expect(await form(3, 'a: [')).toBe('unknown')
  })

  it('run nothing that stands in them, and are of unknown form where the host has nothing to read them with', async () => {
    put(0, `!!python/object/apply:os.system ["touch ${join(folder, 'pwned')}"]`)
    await link.configs('ezra')
    expect(existsSync(join(folder, 'pwned'))).toBe(false)
    const bare = join(folder, 'bare')
    mkdirSync(bare)
    for (const name of [
      'stat',
      'sha256sum',
      'date',
      'timeout',
      'cksum',
      'getconf',
      'id',
      'head',
      'tr',
      'readlink',
      'true',
      'sleep',
      'ls',
    ]) {
      symlinkSync(programPath(name), join(bare, name))
    }
    const poor = await opened({ path: bare })
    try {
      expect(of(await poor.configs('ezra'), 0)).toMatchObject({ form: 'unknown', hash: expect.any(String) })
    } finally {
      await poor.close()
    }
  })

  it('are kept where nobody else can read them', async () => {
    put(0, 'a: 1\n')
    put(1, '{}')
    const [first] = await keep()
    expect(of(await link.configs('ezra'), 0)).toMatchObject({ hash: first, goodHash: first })
    const good = join(folder, 'home/.local/state/towerwatch/good/ezra')
    expect(statSync(good).mode & 0o777).toBe(0o700)
    expect(readdirSync(good).map((name) => statSync(join(good, name)).mode & 0o777)).toEqual([0o600, 0o600])
  })

  it('are not kept when they were changed since they were looked at', async () => {
    put(0, 'a: 1\n')
    await keep()
    const hashes = (await link.configs('ezra')).map(({ hash }) => hash)
    put(0, 'a: 2\n')
    expect(await failure(link.keepConfigs('ezra', hashes, order()))).toMatchObject({
      kind: 'refused',
      message: `${files[0]} was changed meanwhile`,
    })
    expect(of(await link.configs('ezra'), 0)).toMatchObject({ hash: sha('a: 2\n'), goodHash: sha('a: 1\n') })
    expect(readdirSync(join(folder, 'home/.local/state/towerwatch/good/ezra'))).toHaveLength(1)
  })

  it('are put back with their mode and owner, and those that stood there are kept beside them', async () => {
    put(0, 'a: good\n')
    put(3, 'same')
    await keep()
    put(0, 'a: [bad\n')
    chmodSync(files[0] ?? '', 0o444)
    const isRoot = process.getuid?.() === 0
    if (isRoot) chownSync(files[0] ?? '', 12_345, 12_346)
    expect(await link.rollBackConfigs('ezra', order())).toEqual([files[0]])
    expect(read(0)).toBe('a: good\n')
    const { mode, uid, gid } = statSync(files[0] ?? '')
    expect(mode & 0o777).toBe(0o444)
    if (isRoot) expect([uid, gid]).toEqual([12_345, 12_346])
    const aside = `${files[0]}.rejected-${sha('a: [bad\n').slice(0, 8)}`
    expect(readFileSync(aside, 'utf8')).toBe('a: [bad\n')
    expect(readdirSync(join(folder, 'of an agent')).sort()).toEqual(['config.yaml', aside.slice(aside.lastIndexOf('/') + 1), 'other.conf'])
    expect(await link.rollBackConfigs('ezra', order())).toEqual([])
  })

  it('are put back where they are gone altogether', async () => {
    put(0, 'a: good\n')
    await keep()
    rmSync(files[0] ?? '')
    expect(await link.rollBackConfigs('ezra', order())).toEqual([files[0]])
    expect(read(0)).toBe('a: good\n')
    expect(statSync(files[0] ?? '').mode & 0o777).toBe(0o600)
  })

  it('are put back behind the link that they stand behind', async () => {
    const real = join(folder, 'real.yaml')
    writeFileSync(real, 'a: good\n')
    symlinkSync(real, files[0] ?? '')
    await keep()
    writeFileSync(real, 'a: bad\n')
    await link.rollBackConfigs('ezra', order())
    expect(lstatSync(files[0] ?? '').isSymbolicLink()).toBe(true)
    expect(readFileSync(real, 'utf8')).toBe('a: good\n')
    expect(existsSync(`${real}.rejected-${sha('a: bad\n').slice(0, 8)}`)).toBe(true)
  })

  it('that were put aside come again when it was not them', async () => {
    put(0, 'a: good\n')
    put(1, '{}')
    await keep()
    put(0, 'a: newer\n')
    chmodSync(files[0] ?? '', 0o640)
    await link.rollBackConfigs('ezra', order())
    expect(await link.putBackConfigs('ezra', [sha('a: newer\n'), undefined, undefined, undefined], order())).toEqual([files[0]])
    expect(read(0)).toBe('a: newer\n')
    expect(statSync(files[0] ?? '').mode & 0o777).toBe(0o640)
    expect(await failure(link.putBackConfigs('ezra', [sha('x'), undefined, undefined, undefined], order()))).toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('is not there any more'),
    })
  })

  it('are left alone by a dry run, which tells which would be put back', async () => {
    put(0, 'a: good\n')
    await keep()
    put(0, 'a: bad\n')
    expect(await link.rollBackConfigs('ezra', { ...order(), isDryRun: true })).toEqual([files[0]])
    expect(read(0)).toBe('a: bad\n')
    expect(readdirSync(join(folder, 'of an agent'))).toEqual(['config.yaml'])
  })

  it('are not put back twice by one order', async () => {
    put(0, 'a: good\n')
    await keep()
    put(0, 'a: bad\n')
    const once = order()
    await link.rollBackConfigs('ezra', once)
    put(0, 'a: by hand\n')
    expect((await failure(link.rollBackConfigs('ezra', once)))?.kind).toBe('refused')
    expect(read(0)).toBe('a: by hand\n')
  })
})

function sha(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
