import type { AgentConfig } from '../config/config.ts'
import { redactLines } from '../domain/redact.ts'
import { cutLine, linesOf, newest, newLines, plainLine } from '../domain/tail.ts'
import { pauseOn } from '../ports/clock.ts'
import { HostError, type HostLink, type Tail } from '../ports/host.ts'
import type { Operation, OperationContext, Outcome } from './operation.ts'

const lookEveryMs = 1_000
/** At each look: ten lines a second are as many as anybody reads. */
const mostLines = 10
const width = 200
/** What is looked through for secrets: of a line, and of the lines of a log before this one. */
const longestLine = 4_000
const mostBefore = 100
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
  const ended = AbortSignal.any([stopped, context.stopping, context.cancelled, ...(context.away ? [context.away] : [])])
  const tell = (line: string) => context.progress(`${id}: ${line}`)
  /** Once only, for as long as it holds: an agent that is being restarted has no pane for a moment. */
  let trouble = ''
  let last: Piece | undefined
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
      const piece = cleaned(tail, last)
      for (const line of shown(piece, last)) tell(cutLine(line, width))
      last = piece
      trouble = ''
    }
    await pauseOn(context.clock, lookEveryMs, ended)
  }
  if (context.stopping.aborted) return { status: 'failed', lines: [`${id} is watched no more: the watch was stopped.`] }
  if (ended.aborted) return { status: 'ok', lines: [] }
  return { status: 'ok', lines: [`That were 10 min of ${id}. To go on, type: watch ${id}`] }
}

interface Piece {
  tail: Tail
  /** Fit to be shown, but for their length. */
  lines: string[]
  /** What a secret may have begun in. */
  raw: string[]
}

function shown({ tail, lines }: Piece, last: Piece | undefined): string[] {
  const fresh = (!last || tail.from === 'log' ? lines : newLines(last.lines, lines)).filter((line) => line !== '')
  if (!last) return fresh.slice(-mostLines)
  return newest([...(tail.isCut ? ['… something is left out'] : []), ...fresh], mostLines)
}

/** Without what a person must not see. Before a line is cut, for half a secret is one; and together with what came before it in a log. */
function cleaned(tail: Tail, last: Piece | undefined): Piece {
  const plain = linesOf(tail.text).map((line) => plainLine(line, longestLine))
  const before = tail.from === 'log' && !tail.isCut ? (last?.raw ?? []) : []
  const raw = [...before, ...plain]
  return { tail, lines: redactLines(raw).slice(before.length), raw: raw.slice(-mostBefore) }
}

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
