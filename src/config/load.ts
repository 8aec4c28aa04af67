/** fleet.yaml → Config. Every fault is found and told at once, each with its file, its line and what was expected. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Document, isMap, isPair, isScalar, LineCounter, type Node, parseDocument } from 'yaml'
import { hasCode, messageOf } from '../domain/failure.ts'
import { nearest } from '../domain/nearest.ts'
import { type Config, Secret } from './config.ts'
import { type Tell, tellIssue } from './issues.ts'
import { localPathFrom, readAuthority, readSecret } from './local-files.ts'
import { fleetFile } from './schema.ts'
import { takenWord } from './taken-words.ts'
import { type AuthorityReader, type SecretReader, toConfig, toTower } from './to-config.ts'

export interface ConfigFault {
  file: string
  /** 1-based; absent where the file itself can't be read. */
  line?: number
  /** Where in the file: "agents.bezalel.period"; empty for the file as a whole. */
  path: string
  message: string
}

/** All that is wrong with one fleet.yaml. `message` holds a line per fault. */
export class ConfigError extends Error {
  override name = 'ConfigError'
  readonly faults: readonly ConfigFault[]
  constructor(faults: readonly ConfigFault[]) {
    super(faults.map(sayFault).join('\n'))
    this.faults = faults
  }
}

export function sayFault(fault: ConfigFault): string {
  const place = fault.line === undefined ? fault.file : `${fault.file}:${fault.line}`
  return fault.path === '' ? `${place}: ${fault.message}` : `${place}: ${fault.path}: ${fault.message}`
}

/** Where secrets named by `{ env: NAME }` come from; `left-out`: nobody is talked to, so none has to be there. */
type Secrets = Record<string, string | undefined> | 'left-out'

/** Throws ConfigError. */
export function loadConfig(file: string, secrets: Secrets): Config {
  const absolute = resolve(file)
  let text: string
  try {
    text = readFileSync(absolute, 'utf8')
  } catch (error) {
    const why = hasCode(error, 'ENOENT') ? 'there is no such file: copy fleet.example.yaml to begin' : String(error)
    throw new ConfigError([{ file: absolute, path: '', message: why }])
  }
  return parseConfig(text, absolute, secrets)
}

/** The same from text: `file` is only its name (relative paths in it are relative to its folder). Throws ConfigError. */
export function parseConfig(text: string, file: string, secrets: Secrets): Config {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const faults: ConfigFault[] = document.errors.map((error) => ({
    file,
    line: lines.linePos(error.pos[0]).line,
    path: '',
    message: `not YAML: ${error.message}`,
  }))
  if (faults.length > 0) throw new ConfigError(faults)
  const at = (path: readonly PropertyKey[]) => lineOf(document, lines, path)
  const fault = (path: readonly PropertyKey[], message: string) =>
    faults.push({ file, ...lineField(at(path)), path: path.join('.'), message })

  let raw: unknown
  try {
    raw = document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    // An alias that stands for nothing, or aliases of aliases that would fill the memory.
    throw new ConfigError([{ file, path: '', message: `not YAML: ${messageOf(error)}` }])
  }
  const parsed = fleetFile.safeParse(raw)
  if (!parsed.success) for (const issue of parsed.error.issues) tellIssue(issue, document, fault)
  // What the schema can't say is looked for in a file that it refused, too: people want to see all faults in one go.
  tellLostHosts(raw, fault)
  tellTakenWords(raw, fault)
  const tower = fleetFile.shape.tower.safeParse(part(raw, 'tower'))
  const read: SecretReader = (source, where) => {
    if (secrets === 'left-out') return new Secret('left out')
    const found = readSecret(source, localPathFrom(file), secrets)
    if ('fault' in found) fault([...where, found.key], found.fault)
    return new Secret('value' in found ? found.value : '')
  }
  const authority: AuthorityReader = (named, where) => {
    if (secrets === 'left-out') return ''
    const found = readAuthority(localPathFrom(file)(named))
    if ('fault' in found) fault(where, found.fault)
    return 'pem' in found ? found.pem : ''
  }
  const towerConfig = tower.success && tower.data ? toTower(tower.data, read, authority, fault) : undefined
  const config = parsed.success ? toConfig(parsed.data, file, towerConfig, read, fault) : undefined
  if (!config || faults.length > 0) throw new ConfigError(faults.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)))
  return config
}

function part(value: unknown, key: string): unknown {
  return value !== null && typeof value === 'object' && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined
}

function entriesOf(value: unknown): [string, unknown][] {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? Object.entries(value) : []
}

function tellLostHosts(raw: unknown, fault: Tell): void {
  const hosts = entriesOf(part(raw, 'hosts')).map(([id]) => id)
  for (const [id, agent] of entriesOf(part(raw, 'agents'))) {
    const host = part(agent, 'host')
    if (typeof host !== 'string' || hosts.includes(host)) continue
    const meant = nearest(host, hosts)
    fault(
      ['agents', id, 'host'],
      `there is no host "${host}": ${meant === undefined ? `${hosts.length === 0 ? 'none is declared under "hosts"' : `known are ${hosts.join(', ')}`}` : `did you mean "${meant}"?`}`,
    )
  }
}

function tellTakenWords(raw: unknown, fault: Tell): void {
  for (const list of ['agents', 'hosts'] as const) {
    for (const [id] of entriesOf(part(raw, list))) {
      const taken = takenWord(id, list)
      if (taken !== undefined) fault([list, id], taken)
    }
  }
}

/** The line of a key, or of the nearest thing above it that is in the file. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number | undefined {
  let node: unknown = document.contents
  let offset = isNode(node) ? node.range?.[0] : undefined
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step))
      if (!pair) break
      if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset
      node = pair.value
    } else if (isNode(node) && 'items' in node && Array.isArray(node.items)) {
      node = node.items[Number(step)]
      if (isNode(node)) offset = node.range?.[0] ?? offset
    } else break
  }
  return offset === undefined ? undefined : lines.linePos(offset).line
}

function isNode(value: unknown): value is Node {
  return value !== null && typeof value === 'object' && 'range' in value
}

function lineField(line: number | undefined): { line?: number } {
  return line === undefined ? {} : { line }
}
