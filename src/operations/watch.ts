import type { AgentConfig } from '../config/config.ts'
import { linesOf, newest, newLines, plainLine } from '../domain/tail.ts'
import { HostError, type HostLink, type Tail } from '../ports/host.ts'
import type { Operation, OperationContext, Outcome } from './operation.ts'

const lookEveryMs = 1_000
/** At each look: ten lines a second are as many as anybody reads. */
const mostLines = 10
const width = 200
const longestMs = 600_000

export const watch: Operation = {
  name: 'watch',
  aliases: [],
  summary: 'See what an agent writes, as it writes it',
  help: 'Shows the last 10 lines of its pane or its log, then what comes, at most 10 lines a second. It ends after 10 minutes, when its host is lost, or with "watch stop". At most 3 at once.',
  arguments: [
    { name: 'agent', kind: 'agent', required: false, help: 'the agent to watch' },
    { name: 'what', kind: 'choice', words: ['stop'], required: false, help: 'end it; without an agent: all that you watch' },
  ],
  examples: ['watch stop', 'watch bezalel'],
  effect: 'sees',
  role: 'operate',
  answeredBy: 'watch',
  // It ends by itself before that.
  deadlineMs: longestMs + 30_000,

  async run(args, context) {
    const agent = args['agent']
    if (args['what'] === 'stop') return stop(agent, context)
    if (agent === undefined) {
      const whom = context.viewers.of(context.actor)
      if (whom.length === 0) return { status: 'refused', lines: ['Watch whom? For example: watch bezalel'] }
      return { status: 'ok', lines: [`You watch ${whom.join(', ')}. To end that, type: watch stop`], data: { agents: whom } }
    }
    const declared = context.config.agents.get(agent)
    if (!declared) return { status: 'refused', lines: [`There is no agent ${agent}.`] }
    const view = context.viewers.begin(context.actor, agent)
    if ('refusal' in view) return { status: 'refused', lines: [view.refusal] }
    try {
      return await follow(declared, view.stopped, context)
    } finally {
      view.end()
    }
  },
}

function stop(agent: string | undefined, { viewers, actor }: OperationContext): Outcome {
  const ended = viewers.stop(actor, agent)
  if (ended.length > 0) return { status: 'ok', lines: [`You watch ${ended.join(', ')} no more.`], data: { agents: ended } }
  return { status: 'refused', lines: [agent === undefined ? 'You watch nobody.' : `You do not watch ${agent}.`] }
}

async function follow({ id, host }: AgentConfig, stopped: AbortSignal, context: OperationContext): Promise<Outcome> {
  const untilMs = context.clock.now() + longestMs
  const ended = AbortSignal.any([stopped, context.stopping, ...(context.away ? [context.away] : [])])
  const tell = (line: string) => context.progress(`${id} | ${line}`)
  /** Once only, for as long as it holds: an agent that is being restarted has no pane for a moment. */
  let trouble = ''
  let last: { tail: Tail; lines: string[] } | undefined
  while (!ended.aborted && context.clock.now() < untilMs) {
    const looked = await look(id, context.hands(host), last?.tail.cursor)
    if ('lost' in looked) return { status: 'failed', lines: [`${id} is watched no more: ${looked.lost}`] }
    if ('refused' in looked) {
      if (!last) return { status: 'refused', lines: [`${id} can't be watched: ${looked.refused}.`] }
      if (looked.refused !== trouble) tell(`(${plainLine(looked.refused, width)})`)
      trouble = looked.refused
    } else {
      const { tail } = looked
      if (!last) context.progress(`You watch ${id} (its ${tail.from}) for 10 min. To end it, type: watch stop`)
      const lines = linesOf(tail.text)
      for (const line of shown(tail, lines, last)) tell(line)
      last = { tail, lines }
      trouble = ''
    }
    await pause(lookEveryMs, ended, context)
  }
  if (context.stopping.aborted) return { status: 'failed', lines: [`${id} is watched no more: the watch was stopped.`] }
  if (ended.aborted) return { status: 'ok', lines: [] }
  return { status: 'ok', lines: [`That were 10 min of ${id}. To go on, type: watch ${id}`] }
}

function shown(tail: Tail, lines: readonly string[], last: { tail: Tail; lines: string[] } | undefined): string[] {
  if (!last) return plain(lines).slice(-mostLines)
  if (tail.from === 'pane') return newest(plain(newLines(last.lines, lines)), mostLines)
  return newest([...(tail.isCut ? ['… something is left out'] : []), ...plain(lines)], mostLines)
}

const plain = (lines: readonly string[]): string[] => lines.map((line) => plainLine(line, width)).filter((line) => line !== '')

async function look(
  id: string,
  hands: HostLink | undefined,
  cursor: string | undefined,
): Promise<{ tail: Tail } | { refused: string } | { lost: string }> {
  if (!hands) return { lost: "its host can't be reached." }
  try {
    return { tail: await hands.tail(id, cursor) }
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    return error.kind === 'refused' || error.kind === 'failed' ? { refused: error.message } : { lost: error.message }
  }
}

function pause(ms: number, signal: AbortSignal, { clock }: OperationContext): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(ms, done)
    signal.addEventListener('abort', done, { once: true })
    if (signal.aborted) done()
    function done(): void {
      timer.cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
  })
}
