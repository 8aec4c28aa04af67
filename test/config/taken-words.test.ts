/** That whoever may be declared can be typed, in every command, and is nobody and nothing else there. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConfigError, parseConfig } from '../../src/config/load.ts'
import { takenWord } from '../../src/config/taken-words.ts'
import { resolve, takeApart } from '../../src/domain/arguments.ts'
import { ID_PATTERN } from '../../src/domain/ids.ts'
import type { ArgumentDeclaration } from '../../src/domain/operation.ts'
import { operations } from '../../src/operations/registry.ts'

type Kind = 'agents' | 'hosts'

const nameKinds = ['agent', 'host', 'agent-or-host', 'subject', 'incident']
const isNameOf = (of: Kind, { kind }: ArgumentDeclaration) => nameKinds.includes(kind) && kind !== (of === 'agents' ? 'host' : 'agent')
/** What else a command line needs, so that the name is all that is in question. */
const filler: Partial<Record<ArgumentDeclaration['kind'], string>> = { duration: '2h', text: 'because', number: '3', word: 'ABCDEF' }

/** In which commands a word does not mean the agent or host that is called so. */
function misread(id: string, of: Kind): string[] {
  const called = new Map([[id, { name: 'Somebody' }]])
  const names = { agents: new Map([['timmy', { name: 'Timmy' }]]), hosts: new Map([['near', { name: 'Near' }]]), [of]: called }
  return operations.flatMap(({ name, arguments: declared }) =>
    declared
      .filter((argument) => isNameOf(of, argument))
      .flatMap((argument) => {
        const rest = declared.filter((other) => other.required && other !== argument).map(({ kind }) => filler[kind] ?? 'x')
        const typed = [id, ...rest].join(' ')
        const taken = takeApart(declared, typed, names)
        const word = 'args' in taken ? taken.args[argument.name] : undefined
        const meant = word === undefined ? undefined : resolve(argument, word, names)
        const withKind = argument.kind === 'subject' || argument.kind === 'incident'
        const wanted = withKind ? `${of === 'agents' ? 'agent' : 'host'}:${id}` : id
        return meant && 'value' in meant && meant.value === wanted ? [] : [`${name} ${typed}`]
      }),
  )
}

/** All that a command line may hold beside names. */
const wordsOfCommands = [
  ...operations.flatMap((operation) => [operation.name, ...operation.aliases]),
  ...operations.flatMap(({ arguments: all }) =>
    all.flatMap((one) => [one.name.toLowerCase(), ...(one.kind === 'choice' ? one.words : [])]),
  ),
  ...['all', 'agent', 'host', 'for', 'yes', 'no', 'now', 'none', 'dry-run', 'constructor', '2h', '30m', '1d', '7', '007', '1e3', 'watch'],
]

describe.each(['agents', 'hosts'] as const)('among %s', (of) => {
  it('just those words are refused as an id that a command reads as something else', () => {
    const broken = [...new Set(wordsOfCommands)].filter((word) => new RegExp(ID_PATTERN).test(word) && misread(word, of).length > 0)
    const refused = [...new Set(wordsOfCommands)].filter((word) => takenWord(word, of) !== undefined)
    expect(refused).toEqual(broken)
    expect(broken).toEqual(expect.arrayContaining(['all', 'open', '7', '007']))
  })

  it('every other id can be typed', () => {
    const id = fc.oneof(fc.stringMatching(/^[a-z0-9][a-z0-9_.-]{0,12}$/), fc.stringMatching(/^[0-9]{1,4}[a-z]?$/))
    const numRuns = Math.min(Number(process.env['TOWERWATCH_RUNS'] ?? 2_000), 100_000)
    fc.assert(
      fc.property(id, (word) => {
        if (takenWord(word, of) === undefined) expect(misread(word, of)).toEqual([])
      }),
      { numRuns },
    )
  })
})

describe('a fleet.yaml in which somebody is called', () => {
  const faults = (agent: string, host: string): string[] => {
    const text = `version: 1
fleet: demo
hosts:
  ${host}: { kind: local }
agents:
  ${agent}:
    host: "${host}"
    heartbeat: { file: /beats/timmy }
    restart: { kind: process, start: [/bin/timmy], pidFile: /run/timmy, log: /log/timmy }
`
    try {
      parseConfig(text, '/fleet.yaml', {})
      return []
    } catch (error) {
      if (error instanceof ConfigError) return error.message.split('\n')
      throw error
    }
  }

  it.each([
    ['all', 'near', ['/fleet.yaml:6: agents.all: "all" stands for everybody, as in "restart all"']],
    ['timmy', 'all', ['/fleet.yaml:4: hosts.all: "all" stands for everybody']],
    ['stop', 'near', ['/fleet.yaml:6: agents.stop: "stop" is what ends "watch": give this agent another id']],
    ['open', 'open', ['/fleet.yaml:4: hosts.open:', '/fleet.yaml:6: agents.open:']],
    ['7', 'near', ['/fleet.yaml:6: agents.7: "7" would be the number of an incident, as in "ack 7"']],
  ])('%s, on %s, says where, why, and what to do', (agent, host, expected) => {
    const told = faults(agent, host)
    expect(told.map((line, index) => line.startsWith(expected[index] ?? 'nothing'))).toEqual(expected.map(() => true))
  })

  it.each([
    ['timmy', 'stop'],
    ['host', 'agent'],
    ['7b', '2h'],
    ['sticky', 'dry-run'],
  ])('%s, on %s, is taken', (agent, host) => {
    expect(faults(agent, host)).toEqual([])
  })
})
