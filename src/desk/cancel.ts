/** What `cancel` does: whatever this person asked for and that is not done is given up, and it is said plainly what is not undone. */
import { asTyped } from '../domain/arguments.ts'
import { personOf } from '../domain/authority.ts'
import type { Actor } from '../domain/operation.ts'
import type { Cancellations, Outcome } from '../operations/operation.ts'
import { refusal } from './job.ts'
import type { OpenStep, Requests } from './requests.ts'
import type { Second } from './second.ts'

export function cancellationsOf(actor: Actor, requests: Requests, second: Second): Cancellations {
  return {
    plan: (subject) => {
      const chosen = { actor, subject }
      return sayAll(actor, subject, 'would be', second.find(chosen), requests.find(chosen).filter(isNoCancel))
    },
    cancel: async (subject) => {
      const chosen = { actor, subject }
      // What is under way first: the rest waits for nothing but people.
      const steps = requests.callOff(chosen)
      const waited = await second.drop(chosen)
      return sayAll(actor, subject, 'is', waited, steps.filter(isNoCancel))
    },
  }
}

const isNoCancel = ({ operation }: OpenStep): boolean => operation !== 'cancel'

function sayAll(
  actor: Actor,
  subject: string | undefined,
  verb: 'is' | 'would be',
  waited: readonly { what: string; by: Actor }[],
  steps: readonly OpenStep[],
): Outcome {
  const said = ({ what, by }: { what: string; by: Actor }) => (personOf(by) === personOf(actor) ? what : `${what} (of ${by.name})`)
  const of = (stage: OpenStep['stage']) => steps.filter((step) => step.stage === stage).map(said)
  const [queued, acting, looking] = [of('waits'), of('acts'), of('sees')]
  if (waited.length + steps.length === 0) {
    const about = subject === undefined || subject === 'all' ? '' : ` about ${asTyped(subject)}`
    return refusal(
      subject === 'all' ? 'Nothing that anybody asked for is left to be done.' : `Nothing that you asked for${about} is left to be done.`,
    )
  }
  return {
    status: 'ok',
    lines: [
      ...waited.map((one) => `${said(one)} ${verb} given up; it waited for a second person, and nothing was done.`),
      ...(queued.length > 0 ? [`Not begun, and given up: ${queued.join(', ')}.`] : []),
      ...acting.map((what) => `${what} ${verb} waited for no longer. What its host has been told already is not undone.`),
      ...looking.map((what) => `${what} ${verb} ended.`),
    ],
    data: { waited: waited.map(({ what }) => what), queued, acting, looking },
  }
}
