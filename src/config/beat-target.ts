/**
 * Where one agent's beats go, out of fleet.yaml. Only what this agent needs is read: a fault in another section, or a secret
 * that whoever beats may not read, must not keep a heart from beating.
 */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { messageOf } from '../domain/failure.ts'
import { isId } from '../domain/ids.ts'
import { nearest } from '../domain/nearest.ts'
import { Secret } from './config.ts'
import { localPathFrom, readSecret } from './local-files.ts'

export type FileFormat = 'auto' | 'json' | 'mtime' | 'epoch' | 'job'

export type BeatTarget =
  | { kind: 'file'; file: string; format: FileFormat; timeField?: string }
  | { kind: 'jobs'; directory: string }
  /** `token`: why there is none, where it can't be read. `url`: of this machine, where the watch listens. */
  | { kind: 'push'; token: Secret | { fault: string }; url?: string }

/** The fault is a sentence that names the place and the remedy. */
export function readBeatTarget(file: string, agent: string, env: Record<string, string | undefined>): BeatTarget | { fault: string } {
  let raw: unknown
  try {
    raw = parse(readFileSync(file, 'utf8'), { maxAliasCount: 100, prettyErrors: false, logLevel: 'error' })
  } catch (error) {
    return { fault: `${file} can't be read: ${messageOf(error)}` }
  }
  const agents = part(raw, 'agents')
  const declared = part(agents, agent)
  if (!isId(agent) || declared === undefined) return { fault: `${file}: there is no agent "${agent}"${hint(agent, agents)}` }
  const place = `${file}: agents.${agent}`
  const heartbeat = part(declared, 'heartbeat')
  if (part(heartbeat, 'push') !== undefined) return toPush(heartbeat, raw, file, place, env)
  if (part(heartbeat, 'hermes') !== undefined) return { fault: `${place}: Hermes writes its beats itself` }
  const host = part(declared, 'host')
  if (typeof host === 'string' && part(part(part(raw, 'hosts'), host), 'kind') === 'ssh')
    return { fault: `${place} lives on ${host}: beat there, and name the file (or the folder of jobs) with --to` }
  const jobs = part(heartbeat, 'jobs')
  if (isAbsolutePath(jobs)) return { kind: 'jobs', directory: jobs }
  const path = part(heartbeat, 'file')
  const [format, timeField] = [part(heartbeat, 'format') ?? 'auto', part(heartbeat, 'timeField')]
  if (!isAbsolutePath(path) || !isFormat(format)) return { fault: `${place}.heartbeat is not right: see towerwatch check` }
  return { kind: 'file', file: path, format, ...(typeof timeField === 'string' && { timeField }) }
}

function toPush(
  heartbeat: unknown,
  raw: unknown,
  file: string,
  place: string,
  env: Record<string, string | undefined>,
): BeatTarget | { fault: string } {
  const source = part(part(heartbeat, 'push'), 'token')
  const [name, path] = [part(source, 'env'), part(source, 'file')]
  if (typeof name !== 'string' && typeof path !== 'string')
    return { fault: `${place}.heartbeat.push.token is not right: see towerwatch check` }
  const found = readSecret(typeof name === 'string' ? { env: name } : { file: String(path) }, localPathFrom(file), env)
  const url = urlOf(part(part(raw, 'push'), 'listen'))
  return {
    kind: 'push',
    token: 'value' in found ? new Secret(found.value) : { fault: `${place}.heartbeat.push.token: ${found.fault}` },
    ...(url !== undefined && { url }),
  }
}

/** Whoever listens on every address listens on this machine's own, too. */
function urlOf(listen: unknown): string | undefined {
  if (typeof listen !== 'string' || !/:\d{1,5}$/.test(listen)) return undefined
  return `http://${listen.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:')}`
}

function hint(agent: string, agents: unknown): string {
  const known = agents !== null && typeof agents === 'object' ? Object.keys(agents) : []
  const meant = nearest(agent, known)
  if (meant !== undefined) return `: did you mean "${meant}"?`
  return known.length === 0 ? '' : `: known are ${known.join(', ')}`
}

function part(value: unknown, key: string): unknown {
  return value !== null && typeof value === 'object' && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined
}

function isAbsolutePath(value: unknown): value is string {
  return typeof value === 'string' && /^\/[^\0\n]*$/.test(value)
}

function isFormat(value: unknown): value is FileFormat {
  return typeof value === 'string' && ['auto', 'json', 'mtime', 'epoch', 'job'].includes(value)
}
