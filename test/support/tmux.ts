/** A real tmux server of the test's own: its own socket, no configuration, panes stay when their command ends. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { descendants, killHard } from './processes.ts'
import { programPath } from './programs.ts'

const run = promisify(execFile)

interface Pane {
  id: string
  pid: number
  dead: boolean
  window: string
}

export interface Tmux {
  socket: string
  session: string
  /** Opens a window that runs this command; its target is `session:name`. */
  open(name: string, argv: string[]): Promise<Pane>
  panes(): Promise<Pane[]>
  /** Types this into a pane, and Enter. */
  type(pane: Pane, line: string): Promise<void>
  /** All that stands in a pane, with what has been scrolled away; wrapped lines are joined again. */
  text(pane: Pane): Promise<string>
  /** Ends the panes' processes and the server. */
  stop(): Promise<void>
}

export async function startTmux(folder: string, session = 'fleet'): Promise<Tmux> {
  const socket = join(folder, 'tmux.sock')
  const { TMUX: _, ...env } = process.env
  const tmux = async (...words: string[]) => {
    const { stdout } = await run(programPath('tmux'), ['-u', '-S', socket, '-f', '/dev/null', ...words], { env })
    return stdout
  }
  await tmux('new-session', '-d', '-s', session, '-n', 'keeper', '-x', '80', '-y', '24', 'exec sleep 100000')
  await tmux('set-option', '-g', 'remain-on-exit', 'on')
  const format = '#{pane_id} #{pane_pid} #{pane_dead} #{window_name}'
  const panes = async () => (await tmux('list-panes', '-a', '-F', format)).trimEnd().split('\n').map(toPane)
  return {
    socket,
    session,
    open: async (name, argv) =>
      toPane((await tmux('new-window', '-d', '-t', `${session}:`, '-n', name, '-P', '-F', format, '--', ...argv)).trim()),
    panes,
    type: async (pane, line) => {
      await tmux('send-keys', '-t', pane.id, '-l', '--', line)
      await tmux('send-keys', '-t', pane.id, 'Enter')
    },
    text: (pane) => tmux('capture-pane', '-p', '-J', '-S', '-', '-t', pane.id),
    stop: async () => {
      const live = (await panes()).filter(({ dead }) => !dead)
      for (const { pid } of live.flatMap((pane) => [...descendants(pane.pid), pane])) killHard(pid)
      await tmux('kill-server')
    },
  }
}

function toPane(line: string): Pane {
  const [id = '', pid, dead, ...window] = line.split(' ')
  return { id, pid: Number(pid), dead: dead === '1', window: window.join(' ') }
}
