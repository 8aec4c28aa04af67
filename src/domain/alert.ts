/**
 * The sentences that are said aloud. Each begins with who it is about, then the word that people listen for; where several
 * things happened at once, with how many. None is longer than `maxText`: names that don't fit are counted.
 */
import { sayDuration } from './duration.ts'
import type { Subject } from './incident.ts'
import type { Policy } from './remedy.ts'

export const maxText = 400
const maxDetail = 120

interface AgentProblem {
  id: string
  cause: string
  /** More about the cause, in somebody else's words. */
  detail?: string | undefined
  /** Age of the last beat when it was noticed; undefined where none was ever seen. */
  beatAgeMs: number | undefined
  policy: Policy
}

function agentDownSentence(problem: AgentProblem): string {
  const beat = problem.beatAgeMs === undefined ? 'no beat was ever seen' : `last beat ${sayDuration(problem.beatAgeMs)} ago`
  return `${problem.id} is down: ${sayWhy(problem)} (${beat}). ${whatNow(problem)}`
}

function whatNow({ id, policy, cause }: AgentProblem): string {
  // The watch by itself starts only what is dead; one that is merely silent may still be at work.
  if (policy === 'auto' && (cause === 'process-gone' || cause === 'pane-dead')) return 'I am restarting it.'
  if (policy === 'ask') return `Shall it come back? Type: restart ${id}`
  return `To bring it back, type: restart ${id}`
}

function agentUpSentence(id: string, downMs: number): string {
  return `${id} is back up after ${sayDuration(downMs)}.`
}

function hostLostSentence(id: string, cause: string, agents: readonly string[]): string {
  const whom = agents.length === 0 ? '' : ` Its agents can't be seen (${nameSome(agents, 180)}); nothing is restarted there.`
  return `host ${id} is unreachable: ${sayCause(cause)}.${whom}`
}

function hostBackSentence(id: string, downMs: number): string {
  return `host ${id} is reachable again after ${sayDuration(downMs)}.`
}

/** What the sentences about an incident are made of. */
export interface Trouble {
  number: number
  subject: Subject
  host: string
  cause: string
  detail?: string
  /** How long it has lasted, or did last. */
  lastedMs: number
  isOver: boolean
  /** Its subject is declared no more: that, and not its return, ended it. */
  isDismissed: boolean
  beatAgeMs?: number
  policy: Policy
  /** Agents of the subject, where that is a host. */
  agents: readonly string[]
  /** So many changes within that time; over when it has been stable for so long. */
  flapping?: { changes: number; withinMs: number; stableMs: number }
}

/** One of: begun; begun and over before it could be told. */
export function problemText(troubles: readonly Trouble[]): string {
  const [only] = troubles
  if (only && troubles.length === 1) return short(only.isOver ? wentSentence(only) : openSentence(only))
  const open = troubles.filter(({ isOver }) => !isOver)
  const over = troubles.filter(({ isOver }) => isOver)
  const why = (trouble: Trouble) => `${trouble.subject.id} (${sayWhy(trouble)})`
  const besides = open.length > 0 ? 'more problem' : 'problem'
  return listed([
    ...counted(hosts(open), 'host', 'unreachable', why),
    ...counted(agents(open), 'agent', 'down', nameOf, sums(agents(open))),
    { head: `${sayCount(over.length, besides)} began and ended already`, items: over.map(nameOf) },
  ])
}

export function recoveryText(troubles: readonly Trouble[]): string {
  const [only] = troubles
  if (only && troubles.length === 1) return short(endSentence(only))
  const after = (trouble: Trouble) => `${trouble.subject.id} after ${sayDuration(trouble.lastedMs)}`
  const left = troubles.filter(({ isDismissed }) => isDismissed)
  const back = troubles.filter(({ isDismissed }) => !isDismissed)
  return listed([
    ...counted(hosts(back), 'host', 'reachable again', after),
    ...counted(agents(back), 'agent', 'back up', after),
    { head: `${sayCount(left.length, 'problem')} ended because nobody watches there any more`, items: left.map(nameOf) },
  ])
}

/** Still open: said again, or to somebody who is only told of what lasts. */
export function reminderText(troubles: readonly Trouble[]): string {
  const [only] = troubles
  if (only && troubles.length === 1)
    return short(
      `${nameOf(only)} is still ${stateOf(only)}, for ${sayDuration(only.lastedMs)}: ${sayWhy(only)}. To look after it, type: ack ${only.number}`,
    )
  const since = (trouble: Trouble) => `${trouble.subject.id} (#${trouble.number}, ${sayDuration(trouble.lastedMs)})`
  return listed([
    ...counted(hosts(troubles), 'host', 'still unreachable', since),
    ...counted(agents(troubles), 'agent', 'still down', since),
  ])
}

export function acknowledgedText(
  troubles: readonly Trouble[],
  ack: { name: string; comment?: string; kind: 'normal' | 'sticky'; forMs?: number },
): string {
  const what = troubles.map((trouble) => `#${trouble.number} (${nameOf(trouble)} is ${stateOf(trouble)})`)
  const comment = ack.comment === undefined || ack.comment === '' ? '' : `: ${oneLine(ack.comment, maxDetail)}`
  const until = ack.kind === 'sticky' ? 'until it is over' : 'until its state changes'
  const atMost = ack.forMs === undefined ? '' : `, at most for ${sayDuration(ack.forMs)}`
  return short(`${oneLine(ack.name, 40)} looks after ${nameSome(what, 150)}${comment}. I remind nobody of it ${until}${atMost}.`)
}

export function flappingText(troubles: readonly Trouble[]): string {
  const [only] = troubles
  if (only && troubles.length === 1) return short(`${nameOf(only)} is flapping: ${sayChanges(only)}`)
  return listed([
    { head: `${troubles.length} are flapping, up and down all the time; I say when each has been steady`, items: troubles.map(nameOf) },
  ])
}

const memoryNote = " (the ledger can't be written: this may be told again)"

/** Of an alert that is told before it could be written down. */
export function fromMemoryText(text: string): string {
  return text.slice(0, maxText - memoryNote.length) + memoryNote
}

const isHost = ({ subject }: Trouble) => subject.kind === 'host'
const hosts = (troubles: readonly Trouble[]) => troubles.filter(isHost)
const agents = (troubles: readonly Trouble[]) => troubles.filter((trouble) => !isHost(trouble))
const nameOf = (trouble: Trouble) => (isHost(trouble) ? `host ${trouble.subject.id}` : trouble.subject.id)
const stateOf = (trouble: Trouble) => (isHost(trouble) ? 'unreachable' : 'down')
export const sayCount = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`

function sayChanges({ flapping }: Trouble): string {
  if (!flapping) return 'it is up and down all the time. I say when it has been steady.'
  const { changes, withinMs, stableMs } = flapping
  return `${changes} changes between up and down within ${sayDuration(withinMs)}. I say when it has stayed up for ${sayDuration(stableMs)}.`
}

function openSentence(trouble: Trouble): string {
  const { subject, cause, detail, beatAgeMs, policy } = trouble
  if (isHost(trouble)) return hostLostSentence(subject.id, cause, trouble.agents)
  return agentDownSentence({ id: subject.id, cause, detail, beatAgeMs, policy })
}

function wentSentence(trouble: Trouble): string {
  return `${nameOf(trouble)} was ${stateOf(trouble)} for ${sayDuration(trouble.lastedMs)}: ${sayWhy(trouble)}. It is over already.`
}

function endSentence(trouble: Trouble): string {
  const { subject, lastedMs } = trouble
  if (trouble.isDismissed) return `${nameOf(trouble)} is watched no more; it was ${stateOf(trouble)} for ${sayDuration(lastedMs)}.`
  return isHost(trouble) ? hostBackSentence(subject.id, lastedMs) : agentUpSentence(subject.id, lastedMs)
}

interface Part {
  head: string
  items: string[]
}

/** "14 agents are down", or nothing where there are none. */
function counted(troubles: readonly Trouble[], noun: string, state: string, item: (trouble: Trouble) => string, more = ''): Part[] {
  if (troubles.length === 0) return []
  return [{ head: `${sayCount(troubles.length, noun)} ${troubles.length === 1 ? 'is' : 'are'} ${state}${more}`, items: troubles.map(item) }]
}

/** " (3 on ezra: its process is gone; 11 on far: no heartbeat)"; nothing where that would be a list of its own. */
function sums(troubles: readonly Trouble[]): string {
  const counts = new Map<string, number>()
  for (const { host, cause } of troubles) {
    const key = `on ${host}: ${sayCause(cause)}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  const text = ` (${[...counts].map(([key, count]) => `${count} ${key}`).join('; ')})`
  return text.length <= 200 ? text : ''
}

/** As many names as fit; the others are counted. */
function listed(parts: readonly Part[]): string {
  const filled = parts.filter(({ items }) => items.length > 0)
  for (let named = filled.reduce((sum, { items }) => sum + items.length, 0); named > 0; named--) {
    const text = sayParts(filled, named)
    if (text.length <= maxText) return text
  }
  return short(sayParts(filled, 0))
}

function sayParts(parts: readonly Part[], named: number): string {
  let left = named
  const sentences = parts.map(({ head, items }) => {
    const shown = items.slice(0, left)
    left -= shown.length
    return shown.length === 0 ? `${head}.` : `${head}: ${withRest(shown, items.length - shown.length)}.`
  })
  return sentences.join(' ')
}

export function nameSome(names: readonly string[], maxLength: number): string {
  for (let shown = names.length; shown > 1; shown--) {
    const text = withRest(names.slice(0, shown), names.length - shown)
    if (text.length <= maxLength) return text
  }
  return withRest(names.slice(0, 1), names.length - 1)
}

const withRest = (names: readonly string[], rest: number) => names.join(', ') + (rest > 0 ? ` and ${rest} more` : '')

function sayWhy({ cause, detail }: { cause: string; detail?: string | undefined }): string {
  const more = detail === undefined ? '' : oneLine(detail, maxDetail)
  return more === '' ? sayCause(cause) : `${sayCause(cause)}: ${more}`
}

const short = (text: string) => (text.length <= maxText ? text : `${text.slice(0, maxText - 1)}…`)

/** Words from outside must not begin a line of their own, or move the cursor. */
function oneLine(text: string, maxLength: number): string {
  const plain = text.replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ').trim()
  return plain.length <= maxLength ? plain : `${plain.slice(0, maxLength - 1)}…`
}

const causes: Record<string, string> = {
  silent: 'no heartbeat',
  'process-gone': 'its process is gone',
  'pane-dead': 'its pane is dead',
  hung: 'it beats but makes no progress',
  failing: 'it says that it fails',
  unreachable: 'no connection',
  timeout: 'no answer',
  auth: 'it refused our key',
  'host-key': 'its host key is not the pinned one, so nothing was run there',
  gate: 'its gate refused, or is not the one that was expected',
  refused: 'the gate there refused',
  failed: 'the gate there failed',
  closed: 'the connection was closed',
  'host-unreachable': 'its host is unreachable',
  'not-looking': 'the watch was not looking',
}

export function sayCause(cause: string): string {
  return Object.hasOwn(causes, cause) ? (causes[cause] ?? cause) : cause
}
