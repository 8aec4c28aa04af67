/** Real agents for a test to kill, freeze and bring back. What became of them is kept, to hold the ledger against. */
import { type ChildProcess, spawn } from 'node:child_process'
import { renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../support/until.ts'
import type { Story } from './story.ts'
import { wallMs } from './wall.ts'

/**
 * json: a file with epoch and sequence, and a pid file. hearsay: the same, but only its heartbeat names its pid. mtime: only
 * the file's time tells that it lives. push: it posts.
 */
export type AgentKind = 'json' | 'hearsay' | 'mtime' | 'push'

/** A time in which it did not work. */
interface Outage {
  fromMs: number
  /** When it beat again; absent while it lasts. */
  toMs?: number
  /** The last beat before it. */
  lastBeatMs: number
  /** gone: its process ended. frozen: it is there and says nothing. */
  how: 'gone' | 'frozen'
}

export interface FaultAgent {
  readonly id: string
  readonly kind: AgentKind
  readonly outages: readonly Outage[]
  /** push: the last beat that was answered with 200, and every status that was answered. */
  readonly posted: { seq: number; epoch: string; statuses: readonly number[] }
  /** As it stands in fleet.yaml. */
  yaml(period: string, grace: string): string
  /** Resolves once it has beaten. */
  start(): Promise<void>
  kill(): Promise<void>
  freeze(): void
  thaw(): Promise<void>
  /** Ends it for good. */
  end(): Promise<void>
}

export interface AgentPlace {
  folder: string
  story: Story
  /** Where beats are posted to: http://127.0.0.1:1234 */
  pushUrl?: string
  /** For the workers. STAMP: a program that tells the time of their beats, where that is not the machine's own. */
  env?: Record<string, string>
}

const beatEveryMs = 400

/** A shell and little else, as agents are. */
const worker = `#!/bin/sh
# FILE EPOCH KIND
n=0
while :; do
  n=$((n + 1))
  if [ "$3" = mtime ]; then printf 'beat' >"$1.new"
  else printf '{"pid":%s,"epoch":"%s","seq":%s,"progress":%s,"busy":true}' "$$" "$2" "$n" "$n" >"$1.new"; fi
  [ -z "\${STAMP-}" ] || touch -d "@$($STAMP +%s.%N)" "$1.new"
  mv -f "$1.new" "$1"
  sleep ${beatEveryMs / 1000}
done
`

export function faultAgent(id: string, kind: AgentKind, place: AgentPlace): FaultAgent {
  const { folder, story } = place
  const file = join(folder, `${id}.beat`)
  const pidFile = join(folder, `${id}.pid`)
  const script = join(folder, 'worker.sh')
  const secret = join(folder, `${id}.token`)
  const token = `token-of-${id}-${'x'.repeat(20)}`
  const outages: Outage[] = []
  const posted = { seq: 0, epoch: '', statuses: [] as number[] }
  let child: ChildProcess | undefined
  let life = 0
  /** push: when the last one was taken. */
  let takenMs = 0
  /** push: when this life began to post. */
  let triedMs = 0
  if (kind === 'push') writeFileSync(secret, token, { mode: 0o600 })
  else writeFileSync(script, worker, { mode: 0o755 })

  const lastBeatMs = () => (kind === 'push' ? takenMs : (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0))

  function spawnWorker(epoch: string): ChildProcess {
    if (kind !== 'push') {
      const env = { ...process.env, ...place.env }
      return spawn('/bin/sh', [script, file, epoch, kind], { stdio: 'ignore', cwd: folder, env })
    }
    const poster = join(import.meta.dirname, 'poster-child.ts')
    const started = spawn(process.execPath, [poster, `${place.pushUrl}/beat/${id}`, token, epoch], { stdio: ['ignore', 'pipe', 'inherit'] })
    let rest = ''
    started.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) heard(line, epoch)
    })
    return started
  }

  function heard(line: string, epoch: string): void {
    if (line === 'tries') triedMs = wallMs()
    const [, seq, status] = /^taken (\d+) (\d+)$/.exec(line) ?? []
    if (status === undefined) return
    posted.statuses.push(Number(status))
    if (status !== '200') return
    posted.seq = Number(seq)
    posted.epoch = epoch
    takenMs = wallMs()
  }

  /** Its first beat since `sinceMs`; one that posts may have nobody to post to, so for that one its trying counts. */
  async function beats(sinceMs: number): Promise<number> {
    const newestMs = () => (kind === 'push' ? triedMs : lastBeatMs())
    // The time in files is the kernel's, which lags behind by up to a tick.
    return until(() => (newestMs() > sinceMs - 20 ? newestMs() : undefined), { withinMs: 30_000, what: `a beat of ${id}` })
  }

  function struck(how: Outage['how']): void {
    const fromMs = wallMs()
    outages.push({ fromMs, lastBeatMs: Math.min(fromMs, lastBeatMs()), how })
    story.note(`${id} is ${how}`)
  }

  async function returned(sinceMs: number, how: string): Promise<void> {
    const beatMs = await beats(sinceMs)
    const last = outages.at(-1)
    if (last && last.toMs === undefined) last.toMs = beatMs
    story.note(`${id} ${how}`)
  }

  return {
    id,
    kind,
    outages,
    posted,
    yaml: (period, grace) => {
      const heartbeat =
        kind === 'push' ? `{ push: { token: { file: ${secret} } } }` : `{ file: ${file}, format: ${kind === 'mtime' ? 'mtime' : 'json'} }`
      const restart =
        kind === 'json' || kind === 'mtime'
          ? `{ kind: process, start: [/bin/true], pidFile: ${pidFile}, log: ${join(folder, `${id}.log`)} }`
          : '{ kind: command, start: [/bin/true] }'
      return `  ${id}: { host: local, heartbeat: ${heartbeat}, period: ${period}, grace: ${grace}, policy: off, restart: ${restart} }`
    },
    start: async () => {
      const sinceMs = wallMs()
      const epoch = `${id}-${++life}`
      // Of an agent whose file tells nothing but its time, the last life must not be taken for this one.
      child = spawnWorker(epoch)
      if (kind === 'json' || kind === 'mtime') {
        writeFileSync(`${pidFile}.new`, `${child.pid}\n`)
        renameSync(`${pidFile}.new`, pidFile)
      }
      await returned(sinceMs, `lives as ${epoch} (${child.pid})`)
    },
    kill: async () => {
      const dying = child
      if (!dying) throw new Error(`${id} is not running`)
      const ended = new Promise((resolve) => dying.once('exit', resolve))
      dying.kill('SIGKILL')
      await ended
      child = undefined
      struck('gone')
    },
    freeze: () => {
      child?.kill('SIGSTOP')
      struck('frozen')
    },
    thaw: async () => {
      const sinceMs = wallMs()
      child?.kill('SIGCONT')
      if (kind === 'push') triedMs = sinceMs
      await returned(sinceMs, 'goes on')
    },
    end: async () => {
      const dying = child
      child = undefined
      if (!dying || dying.exitCode !== null || dying.signalCode !== null) return
      const ended = new Promise((resolve) => dying.once('exit', resolve))
      dying.kill('SIGKILL')
      await ended
      rmSync(pidFile, { force: true })
    },
  }
}
