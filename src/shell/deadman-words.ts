/** What the deadman says: in the Tower, and to whoever runs it. */
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import type { Act, DeathCause, Outage, Verdict } from '../domain/deadman.ts'
import { sayDuration } from '../domain/duration.ts'
import type { Shell } from './shell.ts'

const causes: Record<DeathCause, string> = {
  'no-beat': 'it has left no beat',
  damaged: 'its beat is damaged',
  gone: 'its process is gone',
  hung: 'its process is there, but neither beats nor answers',
  restless: 'it starts, perhaps again and again, but does not come up; its log says why',
}

/** For the Tower: what happened, since when, and what comes next. */
export function outageSentence(verdict: Verdict, acts: readonly Act[], config: Config): string {
  if (verdict.kind === 'stopped')
    return `The watch was stopped in order ${sayDuration(verdict.forMs)} ago. Nobody looks after the fleet until somebody starts it.`
  if (verdict.kind !== 'dead') return ''
  const since = verdict.forMs === undefined ? '' : ` since ${clockTime(Date.now() - verdict.forMs)} (${sayDuration(verdict.forMs)} ago)`
  const next = acts.includes('restart')
    ? 'The deadman restarts it now.'
    : `The deadman restarts it at most once in ${sayDuration(config.deadman.windowMs)}: somebody should look.`
  return `The watch is dead${since}: ${causes[verdict.cause]}. Nobody looks after the fleet. ${next}`
}

const clockTime = (ms: number): string => `${new Date(ms).toISOString().slice(11, 16)} UTC`

export function sayVerdict(shell: Shell, verdict: Verdict, config: Config): void {
  switch (verdict.kind) {
    case 'well': {
      const { ledger, tower } = verdict.beat
      shell.out('The watch is well.')
      if (ledger === 'broken') shell.out("  But it can't write its ledger: is the disk full? Its log says more.")
      if (tower === 'not-connected') shell.out('  But it has no connection to the Tower.')
      return
    }
    case 'fading':
      shell.out(
        verdict.why === 'starting'
          ? 'The watch is starting.'
          : `${fadings[verdict.why]}; it counts as dead ${sayDuration(config.deadman.staleMs)} after its last beat.`,
      )
      return
    case 'mute':
      shell.out(`The watch answers, but its own beat does not come: can it write into ${config.stateDir}?`)
      return
    case 'stopped':
      shell.out(
        `The watch was stopped in order ${sayDuration(verdict.forMs)} ago, so it is not restarted. To start it: ${startWords(config)}`,
      )
      return
    case 'dead': {
      const age =
        verdict.forMs === undefined
          ? ''
          : ` ${verdict.cause === 'restless' ? 'It was not well for' : 'Its last beat is'} ${sayDuration(verdict.forMs)}${verdict.cause === 'restless' ? '' : ' old'}.`
      shell.out(`The watch is dead: ${causes[verdict.cause]}.${age} (${join(config.stateDir, 'watch.beat')})`)
      return
    }
    case 'unsure':
      return
  }
}

const fadings = {
  gone: "The watch's process is gone",
  stopped: 'The watch was stopped in order a moment ago',
  damaged: "The watch's beat is damaged",
}

function startWords(config: Config): string {
  const user = config.deadman.scope === 'user' ? '--user ' : ''
  return process.platform === 'darwin' ? 'towerwatch service install' : `systemctl ${user}start ${config.deadman.unit} (or: towerwatch run)`
}

/** What was not done, and why. `not-kept`: what is done can't be noted, which was said already. */
export function sayRest(
  shell: Shell,
  verdict: Verdict,
  acts: readonly Act[] | 'not-kept',
  outage: Outage | undefined,
  config: Config,
): void {
  if (acts === 'not-kept') return
  if (verdict.kind === 'dead' && !acts.includes('restart'))
    shell.out(`It is not restarted now: at most once in ${sayDuration(config.deadman.windowMs)}.`)
  if (verdict.kind === 'well' && outage?.isOver && acts.length === 0)
    shell.out('  It was away; it will tell the Tower itself that it is back.')
}
