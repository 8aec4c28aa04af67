/**
 * What waits for a second person. It is in memory only: a watch that stops forgets it, and its ledger says so afterwards. The
 * watch's own remedies never wait here: their policy in fleet.yaml is what they go by.
 */
import { needsSecond, newCode, personOf, sameCode } from '../domain/authority.ts'
import { sayDuration } from '../domain/duration.ts'
import type { Actor } from '../domain/operation.ts'
import type { Confirmations, Outcome } from '../operations/operation.ts'
import { cut } from '../operations/table.ts'
import type { OperationRecord } from '../ports/ledger.ts'
import type { Audit } from './audit.ts'
import { openFloods } from './floods.ts'
import { type DeskContext, type Job, sayJob } from './job.ts'
import { type Chosen, isAbout, isMeant, type OpenRequest, type Requests } from './requests.ts'

export interface Second {
  isNeeded(job: Job): boolean
  /** Has it wait; answered with how to go on. Rejects with LedgerError. */
  ask(job: Job): Promise<Outcome>
  /** As this person has them. */
  confirmations(actor: Actor, progress: (line: string) => void, open: OpenRequest): Confirmations
  /** What of this waits. */
  find(chosen: Chosen): { what: string; by: Actor }[]
  /** Has it wait no more; answers what that was. */
  drop(chosen: Chosen): Promise<{ what: string; by: Actor }[]>
}

interface Waiting {
  code: string
  job: Job
  what: string
  record: OperationRecord
  timer: { cancel(): void }
}

const mostWaiting = 50
/** Of an alert. */
const longestNotice = 400
/** So many codes may one person try within the time that a second person has. */
const mostTries = 10

export function openSecond(
  context: Pick<DeskContext, 'config' | 'clock' | 'random' | 'tell'>,
  audit: Audit,
  requests: Requests,
  perform: (job: Job) => Promise<Outcome>,
): Second {
  const waiting = new Map<string, Waiting>()
  const policy = () => context.config().authority
  const tries = openFloods(
    () => ({ most: mostTries, perMs: policy().withinMs }),
    context.clock,
    () => {},
  )

  async function ask(job: Job): Promise<Outcome> {
    if (waiting.size >= mostWaiting) {
      return { status: 'refused', lines: ['Too much waits for a second person already. Ask again in a moment.'], passes: true }
    }
    let code = newCode(context.random)
    while (waiting.has(code)) code = newCode(context.random)
    const what = sayJob(job)
    const within = sayDuration(policy().withinMs)
    const lines = [`${what} needs a second person, who has ${within} to type: confirm ${code}`, 'Until then nothing is done.']
    const record: OperationRecord = {
      ...audit.record({ ...job.asked, operation: job.operation.name, arguments: job.args }),
      status: 'waiting',
    }
    await audit.write({ ...record, lines: [`waits ${within} for a second person`] })
    const timer = context.clock.after(policy().withinMs, () => void expire(code))
    waiting.set(code, { code, job, what, record, timer })
    context.tell(`${job.asked.actor.name} asks for ${cut(what, 250)}: a second person can type "confirm ${code}" within ${within}.`)
    return { status: 'waiting', lines, data: { code } }
  }

  async function expire(code: string): Promise<void> {
    const late = waiting.get(code)
    if (!late) return
    waiting.delete(code)
    const sentence = `${late.what}, asked for by ${late.job.asked.actor.name}, was confirmed by nobody: nothing was done.`
    await audit.end(late.record, { status: 'refused', lines: [sentence] })
    context.tell(cut(sentence, longestNotice))
  }

  function find(typed: string, actor: Actor): Waiting | { refusal: string } {
    // Before it is looked at: the right one must not be found by trying.
    const tried = tries.take(actor)
    if (tried.kind === 'flood') return { refusal: `Too many codes. Wait ${sayDuration(tried.waitMs)}.` }
    const found = [...waiting.values()].find(({ code }) => sameCode(typed, code))
    if (!found) {
      return { refusal: 'Nothing waits for that code: it is mistyped, too late, or done already, or the watch was restarted meanwhile.' }
    }
    if (personOf(found.job.asked.actor) === personOf(actor)) {
      return { refusal: `${found.what} was asked for by you: somebody else has to confirm it.` }
    }
    return found
  }

  const chosenOf = (chosen: Chosen) =>
    [...waiting.values()].filter(({ job }) => isMeant(job.asked.actor, chosen) && isAbout(job.args, chosen.subject))

  return {
    isNeeded: ({ operation, args }) => needsSecond(policy().confirm, operation, args),
    ask,
    find: (chosen) => chosenOf(chosen).map(({ what, job }) => ({ what, by: job.asked.actor })),
    drop: async (chosen) => {
      const dropped = chosenOf(chosen)
      for (const { code, timer } of dropped) {
        waiting.delete(code)
        timer.cancel()
      }
      for (const { what, job, record } of dropped) {
        const sentence = `${what}, asked for by ${job.asked.actor.name}, was called off by ${chosen.actor.name}: nothing was done.`
        await audit.end(record, { status: 'refused', lines: [sentence] })
        context.tell(cut(sentence, longestNotice))
      }
      return dropped.map(({ what, job }) => ({ what, by: job.asked.actor }))
    },
    confirmations: (actor, progress, open) => ({
      plan: (typed) => {
        const found = find(typed, actor)
        if ('refusal' in found) return { status: 'refused', lines: [found.refusal] }
        return { status: 'ok', lines: [`${found.what}, asked for by ${found.job.asked.actor.name}, would be done.`] }
      },
      confirm: async (typed) => {
        const found = find(typed, actor)
        if ('refusal' in found) return { status: 'refused', lines: [found.refusal] }
        const { code, job, what, record, timer } = found
        // Before anything is waited for: a third person must not have it done twice.
        waiting.delete(code)
        timer.cancel()
        // It is still the request of the one who asked first, and either of them may call it off.
        const reopened = requests.begin(job.asked.actor, open.signal)
        const outcome = await perform({ ...job, progress, open: reopened, waited: { ...record, confirmedBy: actor } }).finally(reopened.end)
        const said = `${what}, asked for by ${job.asked.actor.name} and confirmed by ${actor.name}: ${outcome.status}.`
        context.tell(cut([said, ...outcome.lines].join(' '), longestNotice))
        return outcome
      },
    }),
  }
}
