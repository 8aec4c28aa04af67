/** What is typed behind an operation's name. The plugin's tests run the same cases in Python. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Names, printArguments, resolve, takeApart, usageOfArgument } from '../../src/domain/arguments.ts'
import type { ArgumentDeclaration } from '../../src/domain/operation.ts'
import { declarations } from '../../src/operations/registry.ts'

interface Case {
  operation: string
  typed: string
  arguments?: Record<string, string>
  fault?: string
  argument?: string
  names?: string[]
}
const fixtures: {
  names: { agents: Record<string, string>; hosts: Record<string, string> }
  operations: Record<string, ArgumentDeclaration[]>
  cases: Case[]
} = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'fixtures', 'arguments.json'), 'utf8'))

const named = (from: Record<string, string>) => new Map(Object.entries(from).map(([id, name]) => [id, { name }]))
const names: Names = { agents: named(fixtures.names.agents), hosts: named(fixtures.names.hosts) }

function parse(declared: readonly ArgumentDeclaration[], typed: string): Omit<Case, 'operation' | 'typed'> {
  const taken = takeApart(declared, typed, names)
  if ('missing' in taken) return { fault: 'missing', argument: taken.missing.name }
  if ('left' in taken) return { fault: 'left' }
  const found: Record<string, string> = {}
  for (const argument of declared) {
    const words = taken.args[argument.name]
    if (words === undefined) continue
    const value = resolve(argument, words, names)
    if ('wrong' in value) return { fault: 'wrong', argument: argument.name }
    if ('unknown' in value) return { fault: 'unknown', argument: argument.name }
    if ('ambiguous' in value) return { fault: 'ambiguous', argument: argument.name, names: value.ambiguous }
    found[argument.name] = value.value
  }
  return { arguments: found }
}

const short = (typed: string) => (typed.length > 60 ? `${typed.slice(0, 57)}...` : typed)

describe('a typed line', () => {
  it.each(fixtures.cases.map((one) => [`${one.operation} ${short(one.typed)}`, one] as const))(
    '%s',
    (_, { operation, typed, ...expected }) => {
      expect(parse(fixtures.operations[operation] ?? [], typed)).toEqual(expected)
    },
  )

  it('is tried with a case of each fault, and of each kind of argument', () => {
    expect(new Set(fixtures.cases.map(({ fault }) => fault))).toEqual(
      new Set([undefined, 'missing', 'left', 'unknown', 'ambiguous', 'wrong']),
    )
    const kinds = new Set(Object.values(fixtures.operations).flatMap((declared) => declared.map(({ kind }) => kind)))
    for (const { arguments: declared } of declarations()) for (const { kind } of declared) expect(kinds).toContain(kind)
  })

  const word = fc.oneof(
    fc.constantFrom(
      'ezra',
      'bez',
      'Code',
      'claw',
      'twin',
      'host',
      'agent',
      'all',
      'for',
      'sticky',
      '--open',
      'open',
      '12',
      '#7',
      '0',
      '2h',
      '30m',
      '99d',
      'x',
    ),
    fc.constantFrom('host:ezra', 'agent:code', 'host:', ':', '\u00a0', '\u001b', '\u2028', '__proto__', 'constructor', '🗼'),
    fc.string(),
    fc.string({ unit: 'binary' }),
  )
  const line = fc.array(word, { maxLength: 12 }).map((words) => words.join(' '))
  const declared = fc.constantFrom(...Object.values(fixtures.operations), ...declarations().map((operation) => operation.arguments))
  const runs = { numRuns: Number(process.env['TOWERWATCH_RUNS'] ?? 5_000) }

  it('never makes anything throw, and what is accepted prints to a line that means the same', () => {
    let accepted = 0
    fc.assert(
      fc.property(declared, line, (declaration, typed) => {
        const found = parse(declaration, typed)
        if (!found.arguments) return
        accepted++
        expect(parse(declaration, printArguments(declaration, found.arguments))).toEqual(found)
      }),
      runs,
    )
    expect(accepted).toBeGreaterThan(runs.numRuns / 50)
  })

  it('that is accepted gives every required argument, none empty, and text of one line without signs that control', () => {
    fc.assert(
      fc.property(declared, line, (declaration, typed) => {
        const found = parse(declaration, typed).arguments
        if (!found) return
        for (const { name, required } of declaration) if (required) expect(found[name]).toBeTruthy()
        for (const value of Object.values(found)) {
          expect(value).not.toBe('')
          expect(value).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
          expect(value.length).toBeLessThanOrEqual(400)
        }
      }),
      runs,
    )
  })
})

describe('an unknown name', () => {
  it('is told with the nearest one, or with all there are', () => {
    const agent: ArgumentDeclaration = { name: 'agent', kind: 'agent', required: true, help: '' }
    expect(resolve(agent, 'bezlael', names)).toMatchObject({ unknown: { near: 'bezalel' } })
    expect(resolve(agent, 'gandalf-the-grey', names)).toMatchObject({
      unknown: { near: undefined, known: Object.keys(fixtures.names.agents) },
    })
  })
})

describe('the usage of an argument', () => {
  it('shows what must be typed, what may be, and what takes the rest', () => {
    const silence = declarations().find(({ name }) => name === 'silence')
    const ack = declarations().find(({ name }) => name === 'ack')
    expect(silence?.arguments.map(usageOfArgument).join(' ')).toBe('<subject> <duration> <reason…> [--dry-run]')
    expect(ack?.arguments.map(usageOfArgument).join(' ')).toBe('<incident> [sticky] [duration] [comment…] [--dry-run]')
  })
})
