/** The text that prepares a host, run by real shells: what it writes is what was meant, whatever that is. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { doScript, saidStep } from '../../src/shell/host-script.ts'
import { type Places, usualPlaces } from '../../src/shell/host-wanted.ts'
import { programPath } from '../support/programs.ts'

const runs = Number(process.env['TOWERWATCH_RUNS'] ?? 15)
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tw-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe.each([
  ['dash', () => [programPath('dash')]],
  ['bash', () => [programPath('bash')]],
  ['busybox sh', () => [programPath('busybox'), 'sh']],
])('under %s', (_, shell) => {
  function perform(script: string) {
    const [program = '', ...words] = shell()
    const env = { PATH: process.env['PATH'], HOME: folder }
    return spawnSync(program, [...words, '-s'], { input: script, env, encoding: 'utf8', cwd: folder })
  }
  const places = (): Places => ({ ...usualPlaces, owner: userInfo().username, asAccount: () => `env HOME=${folder} /bin/sh -c` })

  it('writes any text as it is, and runs none of it', () => {
    const line = fc.oneof(
      fc.constantFrom('END-OF-FILE', 'END-OF-FILE-', '$(touch pwned)', '`touch pwned`', "'", '"', '\\', '$HOME', 'THAT', ''),
      fc.string({ unit: 'grapheme', maxLength: 30 }).map((text) => text.replace(/[\0\n]/g, '')),
    )
    const text = fc.array(line, { maxLength: 10 }).map((lines) => lines.map((one) => `${one}\n`).join(''))
    fc.assert(
      fc.property(text, text, (one, two) => {
        const path = join(folder, 'in', "it's odd")
        const script = doScript(
          [
            { kind: 'write', path, mode: '640', text: one },
            { kind: 'keys', user: 'agents', text: `# ${two}` },
          ],
          places(),
        )
        const { status, stdout, stderr } = perform(script)
        expect([status, stderr]).toEqual([0, ''])
        expect(stdout.split('\n').flatMap((said) => saidStep(said) ?? [])).toEqual([
          `writing ${path}`,
          'writing authorized_keys of agents',
          'done',
        ])
        expect(readFileSync(path, 'utf8')).toBe(one === '' ? '\n' : one)
        expect(readFileSync(join(folder, '.ssh', 'authorized_keys'), 'utf8')).toBe(two === '' ? '# \n' : `# ${two}`)
        expect((statSync(path).mode & 0o777).toString(8)).toBe('640')
      }),
      { numRuns: runs },
    )
  })

  it('does nothing when it arrives in part, and stops where a step fails', () => {
    const script = doScript([{ kind: 'write', path: join(folder, 'file'), mode: '644', text: 'x\n' }], places())
    expect(perform(script.slice(0, -'main </dev/null\n'.length)).stdout).toBe('')
    const failing = doScript(
      [
        { kind: 'write', path: '/proc/none/file', mode: '644', text: 'x\n' },
        { kind: 'write', path: join(folder, 'file'), mode: '644', text: 'x\n' },
      ],
      places(),
    )
    const { status, stdout } = perform(failing)
    expect([status === 0, stdout.includes('done'), stdout.includes('file\n')]).toEqual([false, false, true])
    expect(() => statSync(join(folder, 'file'))).toThrow(/ENOENT/)
  })
})
