import { userInfo } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { systemClock } from '../adapters/clock.ts'
import { askWatch } from '../adapters/control/client.ts'
import { socketPath } from '../adapters/control/socket-path.ts'
import { httpOutside } from '../adapters/http/outside.ts'
import { outageId, ownBeatReader } from '../adapters/own-beat/beat-file.ts'
import { thisMachine } from '../adapters/own-beat/machine.ts'
import { deadmanStore } from '../adapters/own-beat/store.ts'
import { performStep, sayStep } from '../adapters/service/steps.ts'
import { tellOnce } from '../adapters/tower/tell-once.ts'
import type { Config } from '../config/config.ts'
import {
  type Act,
  backAlertId,
  backSentence,
  beatAgeMs,
  type DeadmanMemory,
  decideDeadman,
  judgeWatch,
  outageAlertId,
  type Proof,
  type Reading,
  type Verdict,
  withPatience,
} from '../domain/deadman.ts'
import { messageOf } from '../domain/failure.ts'
import { declarations } from '../operations/registry.ts'
import { OutsideError } from '../ports/outside.ts'
import type { Machine } from '../ports/own-beat.ts'
import { ServiceError } from '../ports/service.ts'
import { TowerConnectError } from '../ports/tower-transport.ts'
import { printedHash, printOperations, printProtocol } from '../protocol/print.ts'
import { version } from '../version.ts'
import { deadmanJob, type Via } from './deadman-job.ts'
import { outageSentence, sayRest, sayVerdict } from './deadman-words.ts'
import { commandsOf, type Program, serviceManager } from './jobs.ts'
import { exitCode, readConfig, type Shell, ShellError } from './shell.ts'
import { towerAsLeft, towerTransport } from './tower-transport.ts'

export interface DeadmanOptions {
  config?: string
  /** Says nothing while the watch is well: cron mails every word. */
  quiet?: boolean
  install?: boolean
  uninstall?: boolean
  status?: boolean
  via?: Via
  dryRun?: boolean
  varDir: string
  program: Program
}

/** More than two beats of the watch, awake: a machine that has just woken up gives it time to say so. */
const secondLookMs = 12_000
const answerMs = 5_000
const tellMs = 15_000
const callMs = 10_000

/**
 * `towerwatch deadman`: looks whether the watch lives, and does what is to be done where it does not. One look, then it
 * ends: cron or a timer runs it. Exit 0 well, 1 dead, 3 stopped by a person, 2 wrong input.
 */
export async function deadman(shell: Shell, options: DeadmanOptions): Promise<number> {
  const verbs = (['install', 'uninstall', 'status'] as const).filter((name) => options[name])
  if (verbs.length > 1)
    throw new ShellError(`Only one of ${verbs.map((name) => `--${name}`).join(', ')} can be done at once.`, exitCode.wrongInput)
  const [verb] = verbs
  if (verb === undefined && options.via !== undefined)
    throw new ShellError('--via goes with --install or --uninstall.', exitCode.wrongInput)
  const config = readConfig(shell, options.config)
  return verb === undefined ? look(shell, config, options) : deadmanJob(shell, verb, config, options, options.program)
}

async function look(shell: Shell, config: Config, options: DeadmanOptions): Promise<number> {
  const machine = thisMachine()
  const store = deadmanStore(config.stateDir)
  const { memory } = await store.read()
  const verdict = withPatience(await judge(config, machine), memory, machine.now())
  if (!(options.quiet && verdict.kind === 'well')) sayVerdict(shell, verdict, config)
  const code = codes[verdict.kind]
  if (options.dryRun) {
    const { acts } = decideDeadman(verdict, memory, machine.now(), policyOf(config))
    shell.out(
      acts.length === 0 ? 'There is nothing to be done.' : `That is what would be done now: ${acts.map((act) => sayAct[act]).join(', ')}.`,
    )
    return code
  }
  // The usual minute of a watch that is well takes no lock and writes nothing.
  if (verdict.kind === 'well' && memory.outage === undefined && memory.unwell === undefined) return code

  const locked = lockOf(store, shell)
  if (locked === 'busy') {
    shell.out('Another deadman is at work on it already.')
    return code
  }
  try {
    await act(shell, config, options, machine, verdict, locked !== undefined)
  } finally {
    locked?.release()
  }
  return code
}

const codes: Record<Verdict['kind'], number> = {
  well: exitCode.ok,
  fading: exitCode.ok,
  mute: exitCode.ok,
  unsure: exitCode.ok,
  stopped: exitCode.notRunning,
  dead: exitCode.failed,
}
const sayAct: Record<Act, string> = {
  restart: 'restart the watch',
  'tell-outage': 'tell the Tower',
  'tell-back': 'tell the Tower that it is back',
  'call-outside': "call the outside dead man's switch",
}
const policyOf = (config: Config) => ({ windowMs: config.deadman.windowMs, hasOutside: config.deadman.ping !== undefined })

/** Undefined where a lock can't be had at all: a folder that is gone, or can't be written. */
function lockOf(store: ReturnType<typeof deadmanStore>, shell: Shell): { release(): void } | 'busy' | undefined {
  try {
    return store.lock() ?? 'busy'
  } catch (error) {
    shell.err(`Nothing can be kept in the watch's state folder, so nothing is restarted: ${messageOf(error)}`)
    return undefined
  }
}

// --- looking ---

async function judge(config: Config, machine: Machine): Promise<Verdict> {
  const { staleMs } = config.deadman
  const first = await read(config, machine, 'unasked')
  const verdict = judgeWatch(first, staleMs)
  if (verdict.kind !== 'unsure') return verdict
  const [answers] = await Promise.all([watchAnswers(config), wait(secondLookMs)])
  const second = await read(config, machine, answers ? 'answers' : 'still')
  const moved = second.kind === 'beat' && first.id !== second.id
  return judgeWatch(moved ? { ...second, proof: 'moved' } : second, staleMs)
}

async function read(config: Config, machine: Machine, proof: Proof): Promise<Reading> {
  const found = await ownBeatReader(config.stateDir)
    .read()
    .catch((error: unknown) => {
      throw new ShellError(`The watch's own beat in ${config.stateDir} can't be read: ${messageOf(error)}`, exitCode.failed)
    })
  const now = machine.now()
  if (found.kind === 'none') return { kind: 'none', id: outageId(`none ${config.file} ${now.boot}`) }
  if (found.kind === 'damaged') {
    const { mtimeMs } = found
    return { kind: 'damaged', id: outageId(`damaged ${config.file} ${mtimeMs}`), ageMs: Math.max(0, now.wallMs - mtimeMs) }
  }
  const { beat, mtimeMs } = found
  const owner = await machine.epochOf(beat.pid)
  const lives = owner.kind === 'alive' ? (owner.epoch === beat.epoch ? 'alive' : 'gone') : owner.kind
  return { kind: 'beat', id: outageId(`${beat.epoch} ${beat.seq}`), beat, ageMs: beatAgeMs(beat, mtimeMs, now), process: lives, proof }
}

/** Whatever it answers, it answers: a watch whose disk is full lives, though its beat stands still. */
async function watchAnswers(config: Config): Promise<boolean> {
  const { uid, username } = userInfo()
  try {
    await askWatch(
      socketPath(config.stateDir),
      { operation: 'fleet', arguments: {}, user: { id: String(uid), name: username } },
      () => {},
      AbortSignal.timeout(answerMs),
    )
    return true
  } catch {
    // No answer, for whatever reason: that is what was asked.
    return false
  }
}

// --- acting ---

async function act(
  shell: Shell,
  config: Config,
  options: DeadmanOptions,
  machine: Machine,
  verdict: Verdict,
  canKeep: boolean,
): Promise<void> {
  const store = deadmanStore(config.stateDir)
  const now = machine.now()
  const known = await store.read()
  // Nobody knows when it was restarted last: then it counts as just now.
  const remembered: DeadmanMemory = known.isDamaged ? { lastRestart: { boot: now.boot, bootMs: now.bootMs } } : known.memory
  const decided = decideDeadman(verdict, remembered, now, policyOf(config))
  let { memory } = decided
  const keep = async (next: DeadmanMemory): Promise<boolean> => {
    memory = next
    try {
      if (canKeep) await store.write(next)
      return canKeep
    } catch (error) {
      shell.err(`What the deadman does can't be noted: ${messageOf(error)}`)
      return false
    }
  }
  // Before anything is done: a restart that was begun counts.
  const isKept = await keep(memory)
  const acts = decided.acts.filter((one) => one !== 'restart' || isKept)
  for (const one of acts) {
    switch (one) {
      case 'tell-outage':
        if (memory.outage && (await tell(outageAlertId(memory.outage), outageSentence(verdict, acts, config))))
          await keep({ ...memory, outage: { ...memory.outage, isTold: true } })
        break
      case 'tell-back':
        if (memory.outage && (await tell(backAlertId(memory.outage), backSentence(memory.outage, now.wallMs)))) {
          const { outage: _, ...rest } = memory
          await keep(rest)
        }
        break
      case 'call-outside':
        if (memory.outage && (await callOutside(shell, config))) await keep({ ...memory, outage: { ...memory.outage, isCalled: true } })
        break
      case 'restart':
        await restart(shell, config)
        break
    }
  }
  sayRest(shell, verdict, isKept ? acts : 'not-kept', memory.outage, config)

  async function tell(id: string, text: string): Promise<boolean> {
    try {
      const tower = towerAsLeft(config, options.varDir)
      await tellOnce({
        transport: towerTransport(tower),
        account: { name: tower.account, password: tower.password.reveal() },
        clock: systemClock,
        introduction: {
          watch: version,
          fleet: config.fleet,
          protocolHash: printedHash(printProtocol()),
          operationsHash: printedHash(printOperations(declarations())),
        },
        alert: { id, kind: 'notice', subjects: [], incidents: [], at: now.wallMs, text },
        timeoutMs: tellMs,
      })
      shell.out('The Tower was told.')
      return true
    } catch (error) {
      shell.err(`The Tower could not be told: ${messageOf(error)}`)
      if (error instanceof TowerConnectError && error.kind === 'refused')
        await keep({ ...memory, refused: { boot: now.boot, bootMs: now.bootMs } })
      return false
    }
  }
}

async function callOutside(shell: Shell, config: Config): Promise<boolean> {
  const { ping } = config.deadman
  if (ping === undefined) return false
  try {
    await httpOutside({ url: ping.reveal(), timeoutMs: callMs }).call('failed')
    shell.out("The outside dead man's switch was called.")
    return true
  } catch (error) {
    // Anything but an OutsideError may hold the URL in its text.
    shell.err(`The outside dead man's switch could not be called: ${error instanceof OutsideError ? error.message : 'a fault of its own'}.`)
    return false
  }
}

async function restart(shell: Shell, config: Config): Promise<void> {
  const step = serviceManager(shell, config).restartStep(config.deadman.unit)
  try {
    await performStep(step, commandsOf(shell))
    shell.out(`The watch was restarted (${step.argv.join(' ')}). The next look, in a minute, shows whether it lives.`)
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    shell.err(`The watch could not be restarted. ${error.message}`)
    shell.err(`To do it by hand: ${sayStep(step).replace(/^run /, '')}. Where there is no such unit yet: towerwatch service install`)
  }
}
