import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { sshArguments } from '../../src/adapters/hosts/ssh.ts'
import { type Config, Secret } from '../../src/config/config.ts'
import { ConfigError, type ConfigFault, loadConfig, parseConfig } from '../../src/config/load.ts'
import { fleetFile } from '../../src/config/schema.ts'

const fixture = (name: string) => readFileSync(new URL(`../fixtures/config/${name}`, import.meta.url), 'utf8')
const at = '/fleet/fleet.yaml'

function faultsOf(text: string, env: Record<string, string> = {}): ConfigFault[] {
  try {
    parseConfig(text, at, env)
  } catch (error) {
    if (error instanceof ConfigError) return [...error.faults]
    throw error
  }
  return []
}

/** A fleet of one agent on this machine; `more` is put at its end, `agent` into the agent. */
function fleet({ more = '', agent = '', host = 'local' } = {}): string {
  return `version: 1
fleet: demo
hosts:
  local: { kind: local }
agents:
  timmy:
    host: ${host}
    heartbeat: { file: /beats/timmy }
    restart: { kind: process, start: [/bin/timmy], pidFile: /run/timmy, log: /log/timmy }
${agent}${more}`
}

describe('a fleet.yaml with many faults', () => {
  const text = fixture('bad.yaml')
  // The fixture says itself what is wrong, on the line where it is: "# FAULT: words of the message".
  const expected = text.split('\n').flatMap((line, index) => {
    const [, words] = /# FAULT: (.*)$/.exec(line) ?? []
    return words === undefined ? [] : [{ line: index + 1, words }]
  })

  it('is told every one of them at once, in order, each with its line and what was expected', () => {
    const faults = faultsOf(text)
    expect(faults.map(({ line }) => line)).toEqual(expected.map(({ line }) => line))
    for (const [index, { words }] of expected.entries()) expect(faults[index]?.message).toContain(words)
    expect(expected.length).toBeGreaterThan(15)
  })

  it('is told in lines that an editor can jump to', () => {
    const { message } = caught(() => parseConfig(text, at, {}))
    for (const line of message.split('\n')) expect(line).toMatch(/^\/fleet\/fleet\.yaml:\d+: [a-z].*: .+$/)
  })
})

describe('a file that is no YAML', () => {
  it.each([
    ['a stray bracket', 'version: 1\nhosts: [\nfleet: x\n', 3],
    ['a tab for indentation', 'version: 1\nhosts:\n\tlocal: {}\n', 3],
    ['a key that stands there twice', 'version: 1\nfleet: a\nfleet: b\n', 3],
    ['two documents', 'version: 1\n---\nversion: 1\n', 2],
  ])('is told with its line: %s', (_what, text, line) => {
    const faults = faultsOf(text)
    expect(faults[0]).toMatchObject({ file: at, line, path: '' })
    expect(faults[0]?.message).toContain('not YAML')
  })

  it('is told where an alias stands for nothing', () => {
    expect(faultsOf('version: 1\nfleet: *nobody\n')[0]?.message).toContain('nobody')
  })

  it('is told where its aliases would fill the memory', () => {
    const bomb = [
      'a: &a [x, x, x, x, x, x, x, x, x]',
      'b: &b [*a, *a, *a, *a, *a, *a, *a, *a]',
      'c: &c [*b, *b, *b, *b, *b, *b, *b, *b]',
      'd: [*c, *c, *c, *c, *c, *c]',
    ]
    expect(faultsOf(bomb.join('\n'))[0]?.message).toContain('not YAML')
  })

  it.each(['', '# nothing\n', 'just text', '- a\n- list\n', '42'])('is told where it is no map: %j', (text) => {
    expect(faultsOf(text)[0]?.message).toContain('expected a map of keys')
  })
})

describe('a file that is not there', () => {
  it('is told with how to begin', () => {
    const error = caught(() => loadConfig('/nowhere/fleet.yaml', {}))
    expect(error.message).toBe('/nowhere/fleet.yaml: there is no such file: copy fleet.example.yaml to begin')
  })

  it('is told as well where it is a folder', () => {
    expect(caught(() => loadConfig(tmpdir(), {})).message).toContain('EISDIR')
  })
})

describe('one fault', () => {
  const messages = (text: string) => faultsOf(text).map(({ path, message }) => `${path}: ${message}`)

  it.each(['-oProxyCommand=touch pwned', '-l', '$(id)', 'a b', 'a;b', '', "a'b", 'a\\nb'])('is an address like %j', (address) => {
    const text = fleet().replace('local: { kind: local }', `local: { kind: local }\n  far: { kind: ssh, address: "${address}" }`)
    expect(messages(text)).toEqual([expect.stringContaining('hosts.far.address: expected a host name')])
  })

  it.each(['-l root', '-oX=y', 'a b', '$USER'])('is a user like %j', (user) => {
    const text = fleet().replace('local: { kind: local }', `local: { kind: local }\n  far: { kind: ssh, address: far, user: "${user}" }`)
    expect(messages(text)).toEqual([expect.stringContaining('hosts.far.user: expected a user name')])
  })

  it.each(['a"b', "it's", 'a\\\\b', '$HOME/key'])('is a key file like %j, which ssh would read as something else', (path) => {
    const text = fleet().replace(
      'local: { kind: local }',
      `local: { kind: local }\n  far: { kind: ssh, address: far, identity: ${JSON.stringify(path)} }`,
    )
    expect(messages(text)).toEqual([expect.stringContaining('hosts.far.identity: expected a path')])
  })

  it('is a newline or a NUL in an argument', () => {
    for (const sign of ['\\n', '\\0'])
      expect(messages(fleet().replace('[/bin/timmy]', `[/bin/timmy, "a${sign}b"]`))).toEqual([
        expect.stringContaining('agents.timmy.restart.start.1: expected text without a newline'),
      ])
  })

  it('is a command that is text instead of a list', () => {
    expect(messages(fleet().replace('[/bin/timmy]', '/bin/timmy --now'))).toEqual([
      expect.stringContaining('agents.timmy.restart.start: expected a list: the program, then its arguments'),
    ])
    expect(messages(fleet().replace('[/bin/timmy]', '[]'))).toEqual([expect.stringContaining('agents.timmy.restart.start: ')])
  })

  it.each(['5', '5 weeks', '-3s', '0s', '[1]', 'null', '99999d'])('is a duration like %s', (period) => {
    expect(messages(fleet({ agent: `    period: ${period}\n` }))).toEqual([
      expect.stringContaining('agents.timmy.period: expected a duration'),
    ])
  })

  it.each([
    ['alerts: { flapping: { changes: 1 } }', 'alerts.flapping.changes: expected at least 2'],
    ['alerts: { flapping: no }', 'alerts.flapping: expected "off" or { changes: 4, within: 5m, stable: 10m }'],
    ['maintenance: [{ subjects: [], cron: "0 3 * * 0", for: 30m, reason: x }]', 'maintenance.0.subjects: expected at least one of them'],
    [
      'maintenance: [{ subjects: [timmy], cron: "0 3 * * 0", for: 30m, reason: "" }]',
      'maintenance.0.reason: expected some text, not nothing',
    ],
    ['target: 0.95', 'target: expected at least 1'],
    ['target: 100', 'target: expected less than 100'],
    ['deadman: { stale: 1s }', 'deadman.stale: expected 15 s or more, got "1s"'],
    ['deadman: { window: 0s }', 'deadman.window: expected a duration longer than nothing, got "0s"'],
  ])('is told in words: %s', (more, message) => {
    expect(messages(fleet({ more: `${more}\n` }))).toEqual([message])
  })

  it.each([
    ['{ jobs: /x, format: json }', 'agents.timmy.heartbeat.format: "format" does not go with the other keys here'],
    ['{ file: /x, format: xml, fromat: json }', 'agents.timmy.heartbeat.format: expected one of: auto, json, mtime, epoch, job'],
  ])('is a heartbeat of no form there is: %s', (heartbeat, message) => {
    expect(messages(fleet().replace('{ file: /beats/timmy }', heartbeat))[0]).toBe(message)
  })

  it('is no alert that is told at once', () => {
    expect(parseConfig(fleet({ more: 'alerts: { groupWait: 0s, groupInterval: 0s }\n' }), at, {}).alerts).toMatchObject({
      groupWaitMs: 0,
      groupIntervalMs: 0,
    })
  })

  it('is an agent on a host that there is not, with the one that was meant', () => {
    expect(messages(fleet({ host: 'locla' }))).toEqual(['agents.timmy.host: there is no host "locla": did you mean "local"?'])
    expect(messages(fleet({ host: 'completely-else' }))).toEqual(['agents.timmy.host: there is no host "completely-else": known are local'])
    expect(messages(fleet().replace('local: { kind: local }', '{}').replace('hosts:\n  {}', 'hosts: {}'))).toEqual([
      'agents.timmy.host: there is no host "local": none is declared under "hosts"',
    ])
  })

  it('is quiet asked of an agent that lives in no pane', () => {
    expect(messages(fleet({ agent: '    quiet: 30m\n' }))).toEqual([
      'agents.timmy.quiet: it lives in no tmux pane that could be quiet: use "hung", which goes by its progress alone',
    ])
  })

  it('is found as well in a file with others', () => {
    expect(messages(fleet({ host: 'locla', agent: '    perod: 5s\n' }))).toEqual([
      'agents.timmy.host: there is no host "locla": did you mean "local"?',
      'agents.timmy.perod: unknown key "perod": did you mean "period"?',
    ])
  })

  it('warns before it is critical', () => {
    expect(messages(fleet({ more: 'health: { disk: { warn: 95, critical: 85 } }\n' }))).toEqual([
      'health.disk: "warn" comes before "critical": make it the smaller one',
    ])
  })

  it('is an unknown kind, and the known ones are named', () => {
    expect(messages(fleet().replace('kind: process', 'kind: proces'))).toEqual([
      'agents.timmy.restart.kind: expected a kind, one of: pane, process, command, service, launchd, hermes',
    ])
    expect(messages(fleet().replace('{ kind: local }', '{ kind: docker }'))).toEqual([
      expect.stringContaining('hosts.local.kind: expected a kind, one of: local, ssh'),
    ])
  })

  it('is a key of another kind, and the keys of this one are compared', () => {
    expect(messages(fleet().replace('pidFile: /run/timmy', 'pidfile: /run/timmy'))).toEqual([
      'agents.timmy.restart.pidFile: missing: expected text',
      'agents.timmy.restart.pidfile: unknown key "pidfile": did you mean "pidFile"?',
    ])
  })

  it.each(['Timmy', '-x', 'a b', '"a\\nb"', '"timmy\\n"'])('is an agent called %s', (id) => {
    const faults = messages(fleet().replace('  timmy:', `  ${id}:`))
    expect(faults).toEqual([expect.stringContaining('expected a name of lower-case letters')])
  })

  it('is a url that does not fit the transport', () => {
    const tower = (transport: string, url: string) =>
      messages(fleet({ more: `tower: { transport: ${transport}, url: "${url}", account: a, password: { env: P } }\n` }))
    expect(tower('telnet', 'ws://h:1')[0]).toBe('tower.url: expected telnet://host:port for the transport "telnet"')
    expect(tower('websocket', 'telnet://h:1')[0]).toBe('tower.url: expected ws:// or wss:// for the transport "websocket"')
    expect(tower('websocket', 'http://h:1')[0]).toContain('tower.url: expected ws://host:port')
  })
})

describe('a secret', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tw-config-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const password = (source: string) => fleet({ more: `tower:\n  url: ws://h:1\n  account: a\n  password: ${source}\n` })
  const revealed = (config: Config) => (config.tower.kind === 'given' ? config.tower.password.reveal() : undefined)

  it('comes from a file beside fleet.yaml or from the environment', () => {
    writeFileSync(join(folder, 'tower'), 'hunter2\n')
    expect(revealed(parseConfig(password('{ file: tower }'), join(folder, 'fleet.yaml'), {}))).toBe('hunter2')
    expect(revealed(parseConfig(password('{ env: P }'), at, { P: 'hunter2' }))).toBe('hunter2')
  })

  it('never stands in fleet.yaml itself, and is not said again by the fault', () => {
    const faults = faultsOf(password('hunter2'))
    expect(faults).toMatchObject([{ path: 'tower.password', message: expect.stringContaining('never stands in fleet.yaml') }])
    expect(JSON.stringify(faults)).not.toContain('hunter2')
  })

  it('that is missing or empty is a fault that names where it was looked for', () => {
    writeFileSync(join(folder, 'tower'), ' \n')
    const file = join(folder, 'fleet.yaml')
    expect(caught(() => parseConfig(password('{ file: tower }'), file, {})).message).toContain(`${join(folder, 'tower')} is empty`)
    expect(caught(() => parseConfig(password('{ file: lost }'), file, {})).message).toContain(
      `${join(folder, 'lost')} can't be read: ENOENT`,
    )
    expect(caught(() => parseConfig(password('{ env: P }'), at, {})).message).toContain('the environment variable P is not set')
    expect(caught(() => parseConfig(password('{ env: P }'), at, { P: '' })).message).toContain('P is not set')
  })

  it('is asked for even where the rest of the file has faults', () => {
    expect(faultsOf(`${password('{ env: P }')}pol: 1s\n`).map(({ path }) => path)).toEqual(['tower.password.env', 'pol'])
  })

  it('does not print itself', () => {
    const secret = new Secret('hunter2')
    const config = parseConfig(password('{ env: P }'), at, { P: 'hunter2' })
    const printed = [
      inspect(secret, { showHidden: true, depth: 9 }),
      JSON.stringify(secret),
      `${secret}`,
      String(secret),
      inspect(config, { depth: 9 }),
      JSON.stringify(config.tower),
    ]
    for (const text of printed) expect(text).not.toContain('hunter2')
    expect(Object.keys(secret)).toEqual([])
  })
})

describe('a fleet.yaml that is right', () => {
  it('gets its defaults', () => {
    const config = parseConfig(fleet(), at, {})
    expect(config).toMatchObject({ file: at, fleet: 'demo', stateDir: '/fleet/var', pollMs: 1_000, tower: { kind: 'bundled' } })
    const { thresholds, ...local } = config.hosts.get('local') ?? {}
    expect(local).toEqual({ kind: 'local', id: 'local', name: 'local', services: [], sockets: [] })
    expect(thresholds).toMatchObject({
      disk: { warn: 85, critical: 95 },
      clockMs: { warn: 2_000, critical: 30_000 },
      fullWithinMs: 259_200_000,
    })
    expect(config.remedies).toEqual({
      budget: 10,
      agentBudget: 6,
      perMs: 3_600_000,
      atOnce: 2,
      crashLoop: { starts: 5, withinMs: 900_000, retryMs: 3_600_000 },
    })
    expect(config.authority).toEqual({ confirm: [], withinMs: 120_000, changes: 30, perMs: 60_000 })
    expect(config.agents.get('timmy')).toEqual({
      id: 'timmy',
      name: 'timmy',
      host: 'local',
      heartbeat: { kind: 'file', file: '/beats/timmy', format: 'auto' },
      timing: {
        periodMs: 60_000,
        graceMs: 120_000,
        failures: 1,
        successes: 1,
        flapping: { changes: 4, withinMs: 300_000, stableMs: 600_000 },
      },
      policy: 'ask',
      body: { kind: 'process', start: ['/bin/timmy'], pidFile: '/run/timmy', log: '/log/timmy' },
      stopGraceMs: 10_000,
      startGraceMs: 180_000,
      configs: [],
      rollBack: 'auto',
    })
  })

  it('has limits and levels of its own, or none', () => {
    const config = parseConfig(
      fleet({
        more: 'health: { every: 30s, disk: off, memory: { warn: 50, critical: 60 } }\nremedies: { budget: off, crashLoop: off, agentBudget: off }\n',
      }).replace('local: { kind: local }', 'local: { kind: local, health: { load: off } }'),
      at,
      {},
    )
    expect(config.healthEveryMs).toBe(30_000)
    expect(config.remedies).toEqual({ perMs: 3_600_000, atOnce: 2 })
    const { thresholds } = config.hosts.get('local') ?? {}
    expect(thresholds).toMatchObject({ memory: { warn: 50, critical: 60 } })
    expect(Object.keys(thresholds ?? {})).not.toContain('disk')
    expect(Object.keys(thresholds ?? {})).not.toContain('load')
  })

  it('has paths relative to itself, or to the home folder', () => {
    const config = parseConfig(
      fleet({ more: 'state: ../state\n' }).replace(
        'local: { kind: local }',
        'local: { kind: local }\n  far: { kind: ssh, address: far, identity: ~/.ssh/key, knownHosts: hosts }',
      ),
      at,
      {},
    )
    expect(config.stateDir).toBe('/state')
    expect(config.hosts.get('far')).toMatchObject({ identity: join(homedir(), '.ssh/key'), knownHosts: '/fleet/hosts' })
  })

  it('may give an agent and its host the same name, and take ids that JavaScript knows', () => {
    const text = fleet({ host: 'constructor' }).replace('  local:', '  constructor:').replace('  timmy:', '  constructor:')
    expect(faultsOf(text)).toEqual([])
    expect(parseConfig(text, at, {}).agents.get('constructor')?.host).toBe('constructor')
  })

  it.each(['far', '127.0.0.2', 'ezra.example.org', '::1', 'fe80::1'])(
    'names no address that the SSH adapter would refuse: %s',
    (address) => {
      const text = fleet().replace(
        'local: { kind: local }',
        `local: { kind: local }\n  far: { kind: ssh, address: "${address}", user: agent@realm }`,
      )
      const host = parseConfig(text, at, {}).hosts.get('far')
      if (host?.kind !== 'ssh') throw new Error('expected a host over SSH')
      expect(sshArguments('far', host).at(-1)).toBe(address)
    },
  )
})

describe('the deadman bound', () => {
  it('holds for every agent: one that would be noticed after more than five minutes is a fault that says how long', () => {
    expect(faultsOf(fleet({ agent: '    period: 4m\n    grace: 1m\n' }))).toMatchObject([
      { line: 6, path: 'agents.timmy', message: expect.stringMatching(/after 5 min.*slowBecause/) },
    ])
    expect(faultsOf(fleet({ agent: '    period: 4m\n    grace: 55s\n' }))).toEqual([])
  })

  it('gives way to words, and to jobs, which bring intervals of their own', () => {
    expect(faultsOf(fleet({ agent: '    period: 1d\n    slowBecause: a nightly job\n' }))).toEqual([])
    expect(faultsOf(fleet({ agent: '    period: 1d\n' }).replace('{ file: /beats/timmy }', '{ jobs: /beats }'))).toEqual([])
  })
})

describe('maintenance windows', () => {
  const window = (text: string) => fleet({ more: `maintenance:\n  - { ${text} }\n` })

  it('are about somebody who exists, or all', () => {
    expect(faultsOf(window('subjects: [timy], reason: x, cron: "0 3 * * *", for: 1h'))[0]).toMatchObject({
      path: 'maintenance.0.subjects.0',
      message: expect.stringContaining('did you mean "timmy"?'),
    })
    expect(faultsOf(window('subjects: [all, local], reason: x, cron: "0 3 * * *", for: 1h'))).toEqual([])
  })

  it('end after they begin, and are of one of two forms', () => {
    expect(faultsOf(window('subjects: [all], reason: x, from: "2026-12-24 22:00", to: "2026-12-24 21:00"'))[0]?.message).toContain('after')
    expect(faultsOf(window('subjects: [all], reason: x'))[0]?.message).toContain('either { from, to } or { cron, for }')
    expect(faultsOf(window('subjects: [all], reason: x, cron: "0 3 * * *", fro: 1h')).map(({ path }) => path)).toContain(
      'maintenance.0.fro',
    )
  })

  it('name times that there are, and days that come', () => {
    expect(faultsOf(window('subjects: [all], reason: x, cron: "0 25 * * *", for: 1h'))).toMatchObject([
      { line: expect.any(Number), path: 'maintenance.0.cron', message: expect.stringContaining('hour: expected numbers from 0 to 23') },
    ])
    expect(faultsOf(window('subjects: [all], reason: x, cron: "0 3 31 4 *", for: 1h'))[0]?.message).toBe('there is no such day in any year')
    expect(faultsOf(window('subjects: [all], reason: x, from: "2026-02-30 22:00", to: "2026-03-01 21:00"'))).toMatchObject([
      { path: 'maintenance.0.from', message: 'there is no such day or time: 2026-02-30 22:00' },
    ])
  })
})

describe('a time zone', () => {
  it('is one that there is', () => {
    expect(faultsOf(fleet({ more: 'timezone: Europe/Berlim\n' }))[0]).toMatchObject({ path: 'timezone' })
    expect(parseConfig(fleet({ more: 'timezone: Asia/Kolkata\n' }), at, {}).timeZone).toBe('Asia/Kolkata')
  })
})

describe('fleet.example.yaml', () => {
  const text = readFileSync(new URL('../../fleet.example.yaml', import.meta.url), 'utf8')

  it('is right', () => {
    // Its secrets stand in files and in an environment that only its user has.
    const faults = faultsOf(text)
    const isSecret = ({ message }: ConfigFault) => /(secrets\/[a-z-]+ can't be read|variable PHONE_TOKEN is not set)/.test(message)
    expect(faults.filter((fault) => !isSecret(fault))).toEqual([])
    expect(faults).toHaveLength(5)
  })

  it('names every key that there is', () => {
    const keys = [...keysOf(fleetFile)]
    expect(keys.length).toBeGreaterThan(30)
    expect(keys.filter((key) => !new RegExp(`(^|[\\s{,])${key}:`, 'm').test(text))).toEqual([])
  })
})

/** Every key of every object anywhere in a schema. */
function keysOf(schema: z.core.$ZodType): Set<string> {
  if (schema instanceof z.ZodObject) {
    return new Set(Object.entries(schema.shape).flatMap(([key, inner]) => [key, ...keysOf(inner as z.core.$ZodType)]))
  }
  if (schema instanceof z.ZodRecord) return keysOf(schema.valueType)
  if (schema instanceof z.ZodUnion) return new Set(schema.options.flatMap((option) => [...keysOf(option)]))
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) return keysOf(schema.unwrap())
  if (schema instanceof z.ZodArray) return keysOf(schema.element)
  return new Set()
}

function caught(work: () => unknown): ConfigError {
  try {
    work()
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('expected a ConfigError')
}
