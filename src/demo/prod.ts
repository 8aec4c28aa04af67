/** `towerwatch demo kill` and `towerwatch demo hang`: something for the watch to notice. */
import { CAST } from './cast.ts'
import { DemoError } from './error.ts'
import { isWorker } from './find-workers.ts'
import type { DemoInfo } from './info.ts'
import { readInfo } from './info.ts'
import { layoutIn } from './layout.ts'
import { identify, signal } from './processes.ts'

/** Kills an agent of the running demo, with no chance to clean up. Returns a sentence; throws DemoError where there is nobody to kill. */
export function killAgent(varDir: string, id: string): string {
  const pid = prod(varDir, id, 'SIGKILL')
  return `${id} (process ${pid}) is killed.`
}

/** Makes an agent of the running demo hang: its process lives, its beats stop. Returns a sentence; throws DemoError. */
export function hangAgent(varDir: string, id: string): string {
  const pid = prod(varDir, id, 'SIGUSR1')
  return `${id} (process ${pid}) hangs: it lives and beats no more.`
}

function prod(varDir: string, id: string, name: NodeJS.Signals): number {
  const layout = layoutIn(varDir)
  const agent = agentOf(readInfo(layout.info), id)
  const role = CAST.find((each) => each.id === id)
  const found = identify(agent.pid)
  // The pid in the file may be that of a dead one, and somebody else's by now.
  if (found === undefined || role === undefined || !isWorker(agent.pid, layout, role) || !signal(found, name)) {
    throw new DemoError(`${id} is not alive (its last process was ${agent.pid}). Bring it back first: \`restart ${id}\` in the Tower.`)
  }
  return agent.pid
}

function agentOf(info: DemoInfo, id: string): DemoInfo['agents'][number] {
  const agent = info.agents.find((each) => each.id === id)
  if (agent === undefined)
    throw new DemoError(`There is no agent "${id}" in the demo. There are ${info.agents.map((each) => each.id).join(', ')}.`)
  return agent
}
