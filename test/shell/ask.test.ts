/** Operations in the shell: what is typed, what the watch is asked, what is said, exit codes. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ControlOutcome, ControlRequest } from '../../src/adapters/control/messages.ts'
import { startControlServer } from '../../src/adapters/control/server.ts'
import { operations } from '../../src/operations/registry.ts'
import { type AskOptions, ask } from '../../src/shell/ask.ts'
import { type Shell, ShellError } from '../../src/shell/shell.ts'

let folder: string
let stop: () => Promise<void>
let asked: Pick<ControlRequest, 'operation' | 'arguments'>[]
let screens: ControlRequest['screen'][]
let answer: ControlOutcome
let shell: Shell & { said: string[] }

const agent = (id: string, name: string) => `  ${id}:
    host: forge
    name: ${name}
    heartbeat: { file: /beats/${id}, format: mtime }
    period: 5s
    grace: 5s
    policy: off
    restart: { kind: command, start: [/bin/true] }
`

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tw-ask-'))
  const agents = agent('timmy', 'Timmy') + agent('code-claw', 'Code Claw')
  const hosts = 'hosts: { forge: { kind: local, name: The Forge } }'
  writeFileSync(join(folder, 'fleet.yaml'), `version: 1\nfleet: test\nstate: state\n${hosts}\nagents:\n${agents}`)
  asked = []
  screens = []
  answer = { status: 'ok', lines: ['done'] }
  const server = await startControlServer(
    join(folder, 'state', 'towerwatch.sock'),
    async ({ operation, arguments: args, screen }, tell, away) => {
      asked.push({ operation, arguments: args })
      screens.push(screen)
      if (operation === 'watch' && args['what'] === undefined) {
        tell('timmy | hello')
        await new Promise((resolve) => away.addEventListener('abort', resolve, { once: true }))
      }
      return answer
    },
  )
  stop = server.stop
  const said: string[] = []
  const keep = (text: string) => void said.push(text)
  shell = { said, out: keep, err: keep, env: {}, cwd: folder, signal: new AbortController().signal, onReload: () => {} }
})
afterEach(async () => {
  await stop()
  rmSync(folder, { recursive: true })
})

function typed(line: string, flags: Record<string, string> = {}, options: AskOptions = {}): Promise<number> {
  const [word, ...rest] = line.split(' ')
  const operation = operations.find(({ name }) => name === word)
  if (!operation) throw new Error(`no operation ${word}`)
  return ask(shell, operation, rest.join(' '), flags, options)
}

describe('an operation typed in a shell', () => {
  it('says how wide the terminal is, where it is one and a person reads it', async () => {
    await typed('incidents')
    shell.columns = 132
    await typed('incidents')
    await typed('incidents', {}, { json: true })
    shell.columns = 5
    await typed('incidents')
    shell.columns = 0
    await typed('incidents')
    expect(screens).toEqual([undefined, { columns: 132 }, undefined, { columns: 20 }, undefined])
  })

  it('ends as wrong input where the watch knows nobody of that name, and as refused where it does not want to', async () => {
    answer = { status: 'refused', lines: ['There is no such agent. Did you mean timmy?'], isWrongInput: true }
    expect(await typed('resume tommy')).toBe(2)
    answer = { status: 'refused', lines: ['timmy is not paused.'] }
    expect(await typed('resume timmy')).toBe(4)
  })

  it('whose lines are the answer shows them as they come, until Ctrl-C ends it as one is used to', async () => {
    const interrupted = new AbortController()
    const out: string[] = []
    const operation = operations.find(({ name }) => name === 'watch')
    if (!operation) throw new Error('no operation watch')
    const watching: Shell = {
      ...shell,
      signal: interrupted.signal,
      out: (line) => {
        out.push(line)
        interrupted.abort()
      },
    }
    expect(await ask(watching, operation, 'timmy', {}, {})).toBe(0)
    expect(out).toEqual(['timmy | hello'])
    expect(shell.said).toEqual([])
  })

  it.each([
    ['status', undefined],
    ['incidents', {}],
    ['incidents timmy open', { subject: 'timmy', only: 'open' }],
    ['ack 12', { incident: '12' }],
    ['ack #12 sticky 2h I am on it', { incident: '#12', kind: 'sticky', duration: '2h', comment: 'I am on it' }],
    ['ack Code Claw on it', { incident: 'Code Claw', comment: 'on it' }],
    ['unack host the forge', { incident: 'host the forge' }],
    ['silence tim 2h disk is being swapped', { subject: 'tim', duration: '2h', reason: 'disk is being swapped' }],
    ['silence all for 30m new   switch', { subject: 'all', duration: '30m', reason: 'new switch' }],
    ['maintenance The Forge 1d new kernel', { subject: 'The Forge', duration: '1d', reason: 'new kernel' }],
    ['silences', {}],
    ['unsilence 3', { number: '3' }],
    ['pause timmy learning', { agent: 'timmy', reason: 'learning' }],
    ['pause Code Claw 2h learning', { agent: 'Code Claw', duration: '2h', reason: 'learning' }],
    ['resume timmy', { agent: 'timmy' }],
    ['watch stop', { what: 'stop' }],
    ['watch Code Claw stop', { agent: 'Code Claw', what: 'stop' }],
    ['panes forge', { host: 'forge' }],
    ['respawn forge:main:two words', { pane: 'forge:main:two words' }],
    // Who that is, the watch says: it may know another fleet than the file does by now.
    ['restart nobody', { agent: 'nobody' }],
  ])('%s asks the watch for that', async (line, args) => {
    const operation = line === 'status' ? 'fleet' : (line.split(' ')[0] ?? '')
    expect(await typed(line.replace('status', 'fleet'))).toBe(0)
    expect(asked).toEqual([{ operation, arguments: args ?? {} }])
    expect(shell.said).toEqual(['done'])
  })

  it.each([
    ['restart', 'The agent is missing.', 'Usage: towerwatch restart <agent>'],
    ['restart timmy now', 'That is too much.', 'Usage: towerwatch restart <agent>'],
    ['fleet now', 'That is too much.', 'Usage: towerwatch status'],
    ['ack', 'The incident is missing.', 'Usage: towerwatch ack <incident> [sticky] [duration] [comment…]'],
    ['silence timmy', 'The duration is missing.', 'Usage: towerwatch silence <subject> <duration> <reason…>'],
    ['silence timmy 2h', 'The reason is missing.', 'Usage: towerwatch silence <subject> <duration> <reason…>'],
    ['silence timmy soon x', 'The duration must be like 30m, 2h or 1d.', 'Usage: towerwatch silence'],
    ['silence timmy 60d x', 'The duration may be 30d at most.', 'Usage: towerwatch silence'],
    [`pause timmy ${'x'.repeat(201)}`, 'The reason may have 200 characters at most.', 'Usage: towerwatch pause'],
    ['unsilence timmy', 'The number must be a number, like 3.', 'Usage: towerwatch unsilence <number>'],
  ])('%s is wrong input: what is wrong, how it is typed, where examples are', async (line, what, how) => {
    const error = await typed(line).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ShellError)
    if (!(error instanceof ShellError)) return
    const lines = error.message.split('\n')
    expect(error.code).toBe(2)
    expect(lines[0]).toBe(what)
    expect(lines[1]).toContain(how)
    expect(lines[2]).toMatch(/^\(towerwatch [a-z]+ --help shows examples\)$/)
    expect(asked).toEqual([])
  })

  it('may have a choice as an option', async () => {
    await typed('ack 12', { kind: 'sticky' })
    expect(asked).toEqual([{ operation: 'ack', arguments: { incident: '12', kind: 'sticky' } }])
  })
})

describe('the command line', () => {
  // One real process for all of what only commander does.
  it('takes options anywhere, and a reason in quotes or without', async () => {
    const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))
    const program = `
      const { spawnSync } = require('node:child_process')
      const lines = ${JSON.stringify([
        ['ack', '12', '--sticky', 'on', 'it', '--json'],
        ['incidents', '--open'],
        ['end-maintenance', '3'],
        ['silence', '--json', 'Code Claw', '2h', 'disk - "sda" is bad'],
        ['silences', 'now'],
        ['ack', '12', '--firm'],
      ])}
      for (const line of lines) {
        const { status, stderr } = spawnSync(process.execPath, [process.argv[1], ...line], { encoding: 'utf8' })
        console.log(status, stderr.trim().split('\\n').at(-1))
      }`
    const ended = await new Promise<string>((resolve) => {
      const child = spawn(process.execPath, ['-e', program, cli], { cwd: folder, env: { PATH: process.env['PATH'], HOME: folder } })
      let out = ''
      child.stdout.on('data', (chunk) => {
        out += chunk
      })
      child.on('close', () => resolve(out))
    })
    expect(ended.trim().split('\n')).toEqual([
      '0 ',
      '0 ',
      '0 ',
      '0 ',
      '2 (towerwatch silences --help shows how)',
      '2 (towerwatch ack --help shows how)',
    ])
    expect(asked).toEqual([
      { operation: 'ack', arguments: { incident: '12', comment: 'on it', kind: 'sticky' } },
      { operation: 'incidents', arguments: { only: 'open' } },
      { operation: 'unsilence', arguments: { number: '3' } },
      { operation: 'silence', arguments: { subject: 'Code Claw', duration: '2h', reason: 'disk - "sda" is bad' } },
    ])
  })
})
