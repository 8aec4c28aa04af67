/** Who may import whom: ARCHITECTURE.md, "one way". */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const src = fileURLToPath(new URL('../src', import.meta.url))

interface Rule {
  /** Layers that may be imported. `itself` is always among them. */
  layers: readonly string[]
  /** Packages and Node's own modules that may be imported; `any` for those whose trade it is. */
  packages: readonly string[] | 'any'
}

// shell and demo put the parts together for a user, as app.ts does for a watch: they may know everybody but cli.ts.
const everybody = [
  'app',
  'engine',
  'simulator',
  'watches',
  'desk',
  'operations',
  'adapters',
  'config',
  'ports',
  'protocol',
  'domain',
  'version',
]
const rules: Record<string, Rule> = {
  cli: { layers: ['shell', 'demo', 'operations', 'version'], packages: 'any' },
  shell: { layers: everybody, packages: 'any' },
  demo: { layers: everybody, packages: 'any' },
  app: { layers: ['engine', 'watches', 'desk', 'operations', 'config', 'ports', 'domain'], packages: [] },
  // It puts a watch together as app.ts does, on virtual time: the engine, the sweep, and the ledger in memory.
  simulator: { layers: ['engine', 'watches', 'operations', 'adapters', 'config', 'ports', 'domain'], packages: ['zod'] },
  // What decides, for the daemon and the simulator alike.
  engine: { layers: ['watches', 'config', 'ports', 'domain'], packages: [] },
  watches: { layers: ['desk', 'operations', 'config', 'ports', 'protocol', 'domain'], packages: ['node-cron', 'node:path'] },
  operations: { layers: ['config', 'ports', 'domain'], packages: ['zod'] },
  // The one way in: checks, audit, turns, a second person. It knows operations; none of them knows it.
  desk: { layers: ['operations', 'config', 'ports', 'domain'], packages: [] },
  adapters: { layers: ['ports', 'protocol', 'domain'], packages: 'any' },
  config: { layers: ['ports', 'domain'], packages: ['yaml', 'zod', 'node:fs', 'node:os', 'node:path'] },
  ports: { layers: ['protocol', 'domain'], packages: [] },
  protocol: { layers: ['domain'], packages: ['zod', 'node:crypto'] },
  domain: { layers: [], packages: [] },
  version: { layers: [], packages: ['node:fs'] },
}

/** `adapters/tower/codec.ts` → `adapters`; `app.ts` → `app`. */
function layerOf(file: string): string {
  const [first = ''] = file.split('/')
  return first.replace(/\.ts$/, '')
}

/** `adapters/tower/codec.ts` → `adapters/tower`: adapters of one technology know nothing of another's. */
function technologyOf(file: string): string {
  return dirname(file)
}

function importsOf(text: string): string[] {
  const found = [
    ...text.matchAll(/^(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm),
    ...text.matchAll(/^import\s*['"]([^'"]+)['"]/gm),
    ...text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g),
  ]
  return found.map(([, specifier = '']) => specifier)
}

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => file.split(sep).join('/'))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .sort()
}

/** Every file that was looked at, how many imports were found in it, and what is against the rules, one line each. */
function look(folder: string): { files: Map<string, number>; faults: string[] } {
  const files = new Map<string, number>()
  const faults: string[] = []
  for (const file of sources(folder)) {
    const specifiers = importsOf(readFileSync(join(folder, file), 'utf8'))
    files.set(file, specifiers.length)
    const rule = rules[layerOf(file)]
    if (!rule) {
      faults.push(`${file} is in no layer`)
      continue
    }
    for (const specifier of specifiers) {
      const fault = faultOf(folder, file, specifier, rule)
      if (fault !== undefined) faults.push(`${file} imports ${specifier}: ${fault}`)
    }
  }
  return { files, faults }
}

function faultOf(folder: string, file: string, specifier: string, rule: Rule): string | undefined {
  if (!specifier.startsWith('.')) {
    if (rule.packages === 'any' || rule.packages.includes(specifier)) return undefined
    return `${layerOf(file)} may not use this package`
  }
  const target = relative(folder, resolve(folder, dirname(file), specifier))
    .split(sep)
    .join('/')
  if (target.startsWith('..')) return 'it is outside of src'
  const [from, to] = [layerOf(file), layerOf(target)]
  if (from === 'adapters' && to === 'adapters' && technologyOf(file) !== technologyOf(target)) return 'adapters never import one another'
  if (from === 'simulator' && to === 'adapters' && technologyOf(target) !== 'adapters/ledger')
    return 'the simulator has no adapter but the ledger'
  if (from !== to && !rule.layers.includes(to)) return `${from} may not import ${to}`
  return undefined
}

describe('the layers of src', () => {
  it('are kept: imports point one way', () => {
    expect(look(src).faults).toEqual([])
  })

  it('were looked at in every file, and in every file every import was found', () => {
    const { files } = look(src)
    // Counted in another way, so that a rule that reads nothing does not pass.
    const there = readdirSync(src, { recursive: true, withFileTypes: true }).filter(
      (entry) => entry.isFile() && /(?<!\.d)\.ts$/.test(entry.name),
    )
    expect(files.size).toBe(there.length)
    expect(files.size).toBeGreaterThan(60)
    for (const [file, count] of files) {
      const statements = readFileSync(join(src, file), 'utf8').match(/^import\b|^export (type )?(\*|\{[^}]*\}) from|\bimport\(/gm) ?? []
      expect([file, count]).toEqual([file, statements.length])
    }
  })

  it('are all there', () => {
    const seen = new Set([...look(src).files.keys()].map(layerOf))
    expect([...seen].sort()).toEqual(Object.keys(rules).sort())
  })
})

describe('a planted violation', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tw-layers-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const plant = (file: string, text: string) => {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), text)
    return look(folder).faults
  }

  it.each([
    ['domain/agent.ts', "import type { Clock } from '../ports/clock.ts'\n", 'domain may not import ports'],
    ['domain/agent.ts', "import { readFileSync } from 'node:fs'\n", 'domain may not use this package'],
    ['domain/agent.ts', "export { z } from 'zod'\n", 'domain may not use this package'],
    ['domain/agent.ts', "import 'ws'\n", 'domain may not use this package'],
    [
      'domain/agent.ts',
      "export async function f() {\n  const { x } = await import('../adapters/clock.ts')\n}\n",
      'domain may not import adapters',
    ],
    [
      'ports/host.ts',
      "import {\n  createLink,\n  type LinkOptions,\n} from '../adapters/hosts/link.ts'\n",
      'ports may not import adapters',
    ],
    ['watches/sweep.ts', "import { openLedger } from '../adapters/ledger/sqlite.ts'\n", 'watches may not import adapters'],
    ['operations/restart.ts', "import { startSweep } from '../watches/sweep.ts'\n", 'operations may not import watches'],
    ['operations/restart.ts', "import { spawn } from 'node:child_process'\n", 'operations may not use this package'],
    ['adapters/tower/session.ts', "import { createLink } from '../hosts/link.ts'\n", 'adapters never import one another'],
    ['adapters/hosts/ssh.ts', "import { systemClock } from '../clock.ts'\n", 'adapters never import one another'],
    ['adapters/hosts/ssh.ts', "import type { Config } from '../../config/config.ts'\n", 'adapters may not import config'],
    ['app.ts', "import { openLedger } from './adapters/ledger/sqlite.ts'\n", 'app may not import adapters'],
    ['engine.ts', "import { openLedger } from './adapters/ledger/sqlite.ts'\n", 'engine may not import adapters'],
    ['simulator/stage.ts', "import { systemClock } from '../adapters/clock.ts'\n", 'the simulator has no adapter but the ledger'],
    ['simulator/stage.ts', "import { startWatch } from '../app.ts'\n", 'simulator may not import app'],
    ['watches/sweep.ts', "import { openEngine } from '../engine.ts'\n", 'watches may not import engine'],
    ['shell/run.ts', "import { program } from '../cli.ts'\n", 'shell may not import cli'],
    ['domain/agent.ts', "import { x } from '../../test/fakes/host.ts'\n", 'it is outside of src'],
    ['helpers/misc.ts', '', 'is in no layer'],
  ])('in %s is found: %j', (file, text, fault) => {
    expect(plant(file, text)).toEqual([expect.stringContaining(fault)])
  })

  it('is not seen where there is none', () => {
    expect(
      plant('domain/agent.ts', "import { f } from './alert.ts'\n// import { x } from '../ports/x.ts'\nconst text = \"from '../ports'\"\n"),
    ).toEqual([])
    expect(
      plant('adapters/tower/session.ts', "import { f } from './codec.ts'\nimport type { Tower } from '../../ports/tower.ts'\n"),
    ).toEqual([])
  })
})
