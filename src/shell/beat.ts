/** `towerwatch beat`: says from a script or a crontab that an agent lives, or that a job has run. Says nothing where all is well. */
import { basename, isAbsolute, join, resolve } from 'node:path'
import { epochOf } from '../adapters/beats/epoch.ts'
import { readFields, replaceFile, touchFile } from '../adapters/beats/files.ts'
import { BeatPostError, postBeat } from '../adapters/beats/post.ts'
import { systemClock } from '../adapters/clock.ts'
import { type BeatTarget, type FileFormat, readBeatTarget } from '../config/beat-target.ts'
import { Secret } from '../config/config.ts'
import { parseDuration } from '../domain/duration.ts'
import { messageOf } from '../domain/failure.ts'
import { isId } from '../domain/ids.ts'
import { exitCode, findConfigFile, type Shell, ShellError } from './basics.ts'

/** As they stand on the command line. */
export interface BeatOptions {
  config?: string
  url?: string
  to?: string
  job?: string
  every?: string
  /** `true`: without a reason. */
  fail?: string | true
  start?: true
  exit?: string
  busy?: true
  idle?: true
  progress?: string
  doing?: string
  model?: string
  epoch?: string
  pid?: string
}

/** What the beat says beside that it is one. */
interface Says {
  failing?: string | true
  started?: true
  exit?: number
  busy?: boolean
  progress?: number
  doing?: string
  model?: string
  pid?: number
  epoch?: string
}

/** Resolves with 0. Throws ShellError: 2 where something is wrong with the words or with fleet.yaml, 1 where it couldn't be told. */
export async function beat(shell: Shell, agent: string, options: BeatOptions, callerPid: number): Promise<number> {
  if (!isId(agent)) throw wrong(`"${agent}" is no name of an agent.`)
  const says = read(options, callerPid)
  const target = targetOf(shell, agent, options)
  if (target.kind === 'push') {
    if (options.job !== undefined) throw wrong(`${agent} posts its beats: --job is for a folder of jobs.`)
    await post(shell, agent, target, says)
    return exitCode.ok
  }
  const nowMs = Date.now()
  try {
    if (target.kind === 'jobs') writeJob(jobFile(target.directory, agent, options.job), says, options.every, nowMs)
    else if (options.job !== undefined) throw wrong(`${agent} has one heartbeat file: --job is for a folder of jobs.`)
    else if (isJobFile(target)) writeJob(target.file, says, options.every, nowMs)
    else if (options.every !== undefined) throw wrong('--every is for jobs: how often an agent beats stands in fleet.yaml.')
    else writeHeartbeat(target, says, nowMs)
  } catch (error) {
    if (error instanceof ShellError) throw error
    throw new ShellError(`The beat could not be written: ${messageOf(error)}`, exitCode.failed)
  }
  return exitCode.ok
}

function wrong(message: string): ShellError {
  return new ShellError(message, exitCode.wrongInput)
}

// --- the words ---------------------------------------------------------------------------------------------------

function read(options: BeatOptions, callerPid: number): Says {
  const { fail, start, doing, model } = options
  const exit = options.exit === undefined ? undefined : wholeNumber('--exit', options.exit, 0, 255)
  const pid = options.pid === undefined ? undefined : wholeNumber('--pid', options.pid, 2, 2 ** 31 - 1)
  const progress = options.progress === undefined ? undefined : number('--progress', options.progress)
  const epoch = options.epoch ?? epochOf(pid ?? callerPid)
  const busy = options.busy ?? (options.idle ? false : undefined)
  return {
    ...(fail !== undefined && { failing: fail === '' ? true : fail }),
    ...(start && { started: true }),
    ...(exit !== undefined && { exit }),
    ...(busy !== undefined && { busy }),
    ...(progress !== undefined && { progress }),
    ...(doing !== undefined && { doing }),
    ...(model !== undefined && { model }),
    ...(pid !== undefined && { pid }),
    ...(epoch !== undefined && { epoch }),
  }
}

function number(option: string, text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value)) throw wrong(`${option}: expected a number, got "${text}".`)
  return value
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const value = number(option, text)
  if (!Number.isInteger(value) || value < least || value > most)
    throw wrong(`${option}: expected a whole number from ${least} to ${most}, got "${text}".`)
  return value
}

// --- where to ----------------------------------------------------------------------------------------------------

function targetOf(shell: Shell, agent: string, { config, url, to, job }: BeatOptions): BeatTarget {
  if (to !== undefined) {
    const path = isAbsolute(to) ? to : resolve(shell.cwd, to)
    return job === undefined ? { kind: 'file', file: path, format: 'auto' } : { kind: 'jobs', directory: path }
  }
  const file = findConfigFile(shell, config)
  const given = shell.env['TOWERWATCH_BEAT_TOKEN'] ?? ''
  if (url !== undefined && given !== '') return { kind: 'push', token: new Secret(given), url }
  if (file === undefined) {
    throw wrong(
      url === undefined
        ? 'There is no fleet.yaml here: name it with --config FILE, the heartbeat file with --to FILE, or the watch with --url URL.'
        : 'There is no token: set TOWERWATCH_BEAT_TOKEN, or name the fleet.yaml that has it with --config FILE.',
    )
  }
  const target = readBeatTarget(resolve(shell.cwd, file), agent, shell.env)
  if ('fault' in target) throw wrong(target.fault.endsWith('?') ? target.fault : `${target.fault}.`)
  if (target.kind !== 'push') {
    if (url === undefined) return target
    throw wrong(`${agent} does not post its beats, says ${file}: leave --url out, or set TOWERWATCH_BEAT_TOKEN.`)
  }
  return { ...target, ...(url !== undefined && { url }), ...(given !== '' && { token: new Secret(given) }) }
}

// --- posted ------------------------------------------------------------------------------------------------------

async function post(shell: Shell, agent: string, target: BeatTarget & { kind: 'push' }, says: Says): Promise<void> {
  if ('fault' in target.token) throw wrong(`${target.token.fault}, and TOWERWATCH_BEAT_TOKEN is not set.`)
  const token = target.token.reveal()
  if (/[\p{Cc}]/u.test(token)) throw wrong('The token holds a control character, which no header can carry.')
  if (target.url === undefined) throw wrong('fleet.yaml does not say where the watch listens: set push.listen, or use --url URL.')
  const { failing, started, exit, ...body } = says
  const url = urlOf(target.url, agent, started ? '/start' : failing !== undefined ? '/fail' : exit === undefined ? '' : `/${exit}`)
  const more = typeof failing === 'string' ? { failing } : {}
  try {
    await postBeat({ url, token, body: { ...body, ...more } }, { clock: systemClock, random: Math.random, signal: shell.signal })
  } catch (error) {
    if (error instanceof BeatPostError) throw new ShellError(`The beat was not taken: ${error.message}`, exitCode.failed)
    throw error
  }
}

function urlOf(text: string, agent: string, said: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !['http:', 'https:'].includes(url.protocol)) throw wrong('--url: expected http://… or https://…')
  if (url.username !== '' || url.password !== '')
    throw wrong('--url: the token belongs into TOWERWATCH_BEAT_TOKEN; others can read a command line.')
  const base = url.pathname.replace(/\/+$/, '')
  url.pathname = `${base.endsWith(`/beat/${agent}`) ? base : `${base}/beat/${agent}`}${said}`
  return url
}

// --- written -----------------------------------------------------------------------------------------------------

interface FileTarget {
  file: string
  format: FileFormat
  timeField?: string
}

function writeHeartbeat({ file, format, timeField }: FileTarget, says: Says, nowMs: number): void {
  if (format === 'mtime' || format === 'epoch') {
    const { failing, started, exit, busy, progress, doing, model, pid } = says
    if ([failing, started, exit || undefined, busy, progress, doing, model, pid].some((said) => said !== undefined))
      throw wrong(`${file} has the format ${format}, which can only say that somebody lives: the format json can say more.`)
    if (format === 'mtime') touchFile(file, nowMs)
    else replaceFile(file, `${nowMs / 1000}\n`)
    return
  }
  const { epoch = '' } = says
  const before = readFields(file)
  const lastSeq = before['epoch'] === epoch ? before['seq'] : 0
  const seq = typeof lastSeq === 'number' && Number.isSafeInteger(lastSeq) ? lastSeq + 1 : 1
  replaceFile(file, line({ [timeField ?? 'at']: new Date(nowMs).toISOString(), ...(epoch !== '' && { epoch }), seq, ...said(says) }))
}

/** What both kinds of file can say. */
function said({ failing, started, exit, busy, progress, doing, model, pid }: Says): Record<string, unknown> {
  const isBusy = busy ?? (started ? true : exit === undefined ? undefined : false)
  const work = doing ?? (started ? 'started' : undefined)
  return {
    ...(pid !== undefined && { pid }),
    ...(progress !== undefined && { progress }),
    ...(isBusy !== undefined && { busy: isBusy }),
    ...(work !== undefined && { doing: work }),
    ...(model !== undefined && { model }),
    ...(exit !== undefined && { exit_status: exit }),
    ...(failing !== undefined && { failing }),
  }
}

function line(fields: Record<string, unknown>): string {
  return `${JSON.stringify(fields)}\n`
}

function isJobFile({ file, format }: FileTarget): boolean {
  return format === 'job' || (format === 'auto' && file.endsWith('.last'))
}

/** Those names that the gate looks at. */
function jobFile(directory: string, agent: string, job: string | undefined): string {
  if (job === undefined) throw wrong(`${agent} is a folder of jobs: say which one with --job NAME.`)
  if (!/^[A-Za-z0-9_@][A-Za-z0-9_.@-]{0,94}$/.test(job))
    throw wrong('--job: expected a name of letters, digits, "_", ".", "@" and "-" (at most 95, no "." or "-" first).')
  return join(directory, `${job}.last`)
}

/** A job's record: that it has run, and after which interval it is due again. */
function writeJob(file: string, says: Says, every: string | undefined, nowMs: number): void {
  if (says.started) throw wrong('A record says that a job has run: leave --start out.')
  const intervalMs = every === undefined ? undefined : parseDuration(every)
  if (every !== undefined && (intervalMs === undefined || intervalMs < 1_000))
    throw wrong(`--every: expected a time such as "15m", "1h" or "1d", got "${every}".`)
  const interval = intervalMs === undefined ? readFields(file)['interval_seconds'] : intervalMs / 1_000
  if (typeof interval !== 'number') throw wrong('--every: how often does this job run? Nobody can miss it otherwise. Such as: --every 1d')
  const job = basename(file, '.last')
  replaceFile(file, line({ job, at: new Date(nowMs).toISOString(), interval_seconds: interval, ...said(says) }))
}
