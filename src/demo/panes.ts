/** The tmux server of the demo: one session `fleet` with a window for each agent, on a socket of its own. */

import type { Role } from './cast.ts'
import { DemoError } from './error.ts'
import type { Layout } from './layout.ts'
import { agentDir, workerCommand } from './layout.ts'
import type { ProcessIdentity } from './processes.ts'
import { identify } from './processes.ts'
import { plainEnvironment, run } from './programs.ts'

export const SESSION = 'fleet'

/** How a pane looks from outside; the pid of a dead one may long be somebody else's. */
interface Pane {
  agent: string
  id: string
  pid: number
  dead: boolean
}

export interface PaneServer {
  socket: string
  server: ProcessIdentity
  list(): Promise<Pane[]>
}

/**
 * Starts the server and a window for each of the roles. The options are set before the first worker starts: a window
 * without `remain-on-exit` closes when its worker dies, and one that may be renamed is not found by its name.
 */
export async function startPanes(layout: Layout, socket: string, tmux: string, roles: readonly Role[]): Promise<PaneServer> {
  const call = (...args: string[]) => run([tmux, '-S', socket, '-f', '/dev/null', ...args], { env: plainEnvironment(process.env) })
  const option = (name: string, value: string) => ['set-option', '-g', name, value, ';']
  const windowOption = (name: string, value: string) => ['set-option', '-g', '-w', name, value, ';']
  const [first, ...others] = roles
  if (first === undefined) throw new DemoError('No agent of the demo lives in a pane: there is nothing to start tmux for.')
  const window = (role: Role) => ['-n', role.id, '-c', agentDir(layout, role.id), ...workerCommand(layout, role)]
  await call(
    'start-server',
    ';',
    ...option('history-limit', '2000'),
    ...option('status-left-length', '20'),
    ...windowOption('remain-on-exit', 'on'),
    ...windowOption('automatic-rename', 'off'),
    ...windowOption('allow-rename', 'off'),
    'new-session',
    '-d',
    '-s',
    SESSION,
    '-x',
    '160',
    '-y',
    '48',
    ...window(first),
  )
  for (const role of others) await call('new-window', '-d', '-t', `=${SESSION}:`, ...window(role))
  const serverPid = Number(await call('display-message', '-p', '#{pid}'))
  const server = identify(serverPid)
  if (server === undefined)
    throw new DemoError(`The tmux server on ${socket} ended as soon as it had started. Try: ${tmux} -S ${socket} new-session`)
  return {
    socket,
    server,
    async list() {
      const format = '#{window_name} #{pane_id} #{pane_pid} #{pane_dead}'
      const text = await call('list-panes', '-a', '-F', format)
      return text
        .trim()
        .split('\n')
        .flatMap((line) => {
          const [agent, id, pid, dead] = line.split(' ')
          return agent && id && pid ? [{ agent, id, pid: Number(pid), dead: dead === '1' }] : []
        })
    },
  }
}
