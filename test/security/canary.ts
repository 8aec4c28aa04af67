/** A place in which anything that expands or runs outside text leaves a trace. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { programPath } from '../support/programs.ts'
import { tripwire } from './corpus.ts'

export interface Canary {
  folder: string
  /** For programs that are given outside text: the tripwire comes first on the PATH. */
  env: Record<string, string>
  /** Argv that runs a shell in the canary's folder. */
  shell(argv: readonly string[]): [string, ...string[]]
  /** What was run, or made by a redirection; empty is well. */
  traces(): string[]
  remove(): void
}

const there = ['one', 'two']

export function openCanary(): Canary {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'tw-canary-')))
  const [bin, cwd, home, ran] = ['bin', 'cwd', 'home', 'ran'].map((name) => join(folder, name)) as [string, string, string, string]
  for (const one of [bin, cwd, home]) mkdirSync(one)
  // So that a pattern finds something.
  for (const name of there) writeFileSync(join(cwd, name), '')
  writeFileSync(join(bin, tripwire), `#!/bin/sh\necho "ran: $*" >>'${ran}'\n`)
  chmodSync(join(bin, tripwire), 0o755)
  return {
    folder,
    env: { PATH: `${bin}:${process.env['PATH'] ?? '/usr/bin:/bin'}`, HOME: home },
    shell: (argv) => ['/bin/sh', '-c', 'cd "$0" && exec "$@"', cwd, ...argv],
    traces: () => [
      ...(existsSync(ran) ? readFileSync(ran, 'utf8').trim().split('\n') : []),
      ...readdirSync(cwd).filter((name) => !there.includes(name)),
      ...[folder, home].flatMap((where) => readdirSync(where).filter((name) => name.includes(tripwire))),
    ],
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

export const shells: [string, () => string[]][] = [
  ['dash', () => [programPath('dash')]],
  ['bash', () => [programPath('bash')]],
  ['busybox sh', () => [programPath('busybox'), 'sh']],
]
