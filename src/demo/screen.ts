/** What the demo says. Every line reads the same without colour and aloud: no boxes, no columns that carry meaning. */

import { NEWCOMERS_AGENT } from './cast.ts'
import type { DemoInfo } from './info.ts'

/** How to set words off from the others, or not. */
export interface Paint {
  strong(text: string): string
  /** Something to be typed. */
  typed(text: string): string
}

export function paint(colour: 'colour' | 'plain'): Paint {
  if (colour === 'plain') return { strong: (text) => text, typed: (text) => text }
  return { strong: (text) => `\u001b[1m${text}\u001b[22m`, typed: (text) => `\u001b[36m${text}\u001b[39m` }
}

/** The screen of a demo that is ready. `command` is how this user calls towerwatch, `attach` shows the agents' panes. */
export function readyScreen(info: DemoInfo, { strong, typed }: Paint, words: { command: string; attach: string; log: string }): string {
  const { telnet, web, player, visitor, channel } = info
  const theirs = info.agents.find((agent) => agent.id === NEWCOMERS_AGENT)
  const hosts = info.hosts.map((host) => `${host.id} (${host.address} port ${host.port})`)
  return `
${strong('The Tower is open.')} In it you meet ${info.agents.length} agents: ${info.agents.map((agent) => agent.id).join(', ')}.
They are real processes, on this machine and on three SSH hosts of their own:
${hosts.join(', ')}.

${strong('Walk in')}
  with telnet:       ${typed(`telnet ${telnet.host} ${telnet.port}`)}
  or in a browser:   ${typed(new URL('/webclient/', web.url).href)}
  the fleet as a page, after the same login:
                     ${typed(new URL('/fleet/', web.url).href)}

${strong('Log in')}
  as an operator, who may act:   ${typed(`connect ${player.account} ${player.password}`)}
  as a visitor, who may look:    ${typed(`connect ${visitor.account} ${visitor.password}`)}

${strong('Three things to try')}
  1. In the Tower, look around:        ${typed('look')}  and then  ${typed('fleet')}
  2. In another terminal, kill ${NEWCOMERS_AGENT}:  ${typed(`kill -9 ${theirs?.pid ?? 'PID'}`)}
     and hear him die in the Tower, on the channel ${channel}.
  3. In the Tower, bring him back:     ${typed(`restart ${NEWCOMERS_AGENT}`)}

${strong('And then')}
  kill him again:                 ${typed(`${words.command} demo kill ${NEWCOMERS_AGENT}`)}
  the others return unasked:      ${typed(`${words.command} demo kill timmy`)}
  let one hang, then restart it:  ${typed(`${words.command} demo hang gemini`)}
  see them at work:               ${typed(words.attach)}
                                  (next one: Ctrl-b n; leave: Ctrl-b d)

What the watch does is written to ${words.log}.
Ctrl-C stops everything.
`
}

/** The time of day that begins the lines of a running demo. */
export function clock(now: Date): string {
  return now.toTimeString().slice(0, 8)
}
