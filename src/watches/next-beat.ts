import type { Beat } from '../domain/agent.ts'
import type { Roster } from './roster.ts'

/** Resolves with the first beat of this agent that fits, undefined when the signal fires first. */
export function nextBeat(roster: Roster, agent: string, fits: (beat: Beat) => boolean, signal: AbortSignal): Promise<Beat | undefined> {
  return new Promise((resolve) => {
    const off = roster.on((event) => {
      if (event.kind === 'beat' && event.agent === agent && fits(event.beat)) done(event.beat)
    })
    const done = (beat?: Beat) => {
      off()
      resolve(beat)
    }
    signal.addEventListener('abort', () => done(), { once: true })
  })
}
