/** The answer to `panes` (gate/pane-verbs.sh). Names are outside text: whoever can reach a tmux server gives them. Pure. */
import { z } from 'zod'
import type { PaneSighting, PanesSighting } from '../../ports/host.ts'
import { ProtocolError } from './gate-protocol.ts'

/** `PANE DEAD ACTIVITY sSTATUS gSIGNAL cPROGRAM`, a tab, `SESSION:WINDOW`. A signal is told by its name or by its number. */
const paneLine = z
  .string()
  .max(4_000)
  .regex(/^%\d{1,9} [01] \d{0,11} s\d{0,3} g[A-Za-z0-9_+-]{0,20} c[A-Za-z0-9_.+@-]{0,60}\t[^:]*:/u)

const endLine = z.string().regex(/^(all|cut) \d{1,15}$/)

/** Throws ProtocolError where it is out of form. */
export function parsePanes(parts: readonly Uint8Array[], end: Uint8Array): PanesSighting {
  const [head = '', ...blind] = textOf(end)
    .split('\n')
    .filter((line, index) => index === 0 || line !== '')
  const [amount, nowMs] = checked(endLine, head, 'end').split(' ')
  const panes = parts.map((part) => {
    const text = textOf(part)
    const cut = text.indexOf('\n')
    if (cut < 1) throw new ProtocolError('a pane is of no socket')
    return toPane(text.slice(0, cut), checked(paneLine, text.slice(cut + 1), 'pane'), Number(nowMs))
  })
  return { panes: named(panes), isCut: amount === 'cut', blind }
}

function toPane(socket: string, line: string, nowMs: number): PaneSighting {
  const tab = line.indexOf('\t')
  const [paneId = '', dead, activityS, status = '', signal = '', program = ''] = line.slice(0, tab).split(' ')
  const ended = howEnded(status.slice(1), signal.slice(1))
  return {
    socket,
    name: line.slice(tab + 1),
    paneId,
    state: dead === '1' ? 'dead' : 'alive',
    ...(dead === '1' && ended && { ended }),
    command: program.slice(1),
    // Of a clock that was set back it would be less than nothing.
    quietMs: activityS === '' ? 0 : Math.max(0, nowMs - Number(activityS) * 1_000),
  }
}

/** tmux tells neither where it missed the end: that is no status 0. */
function howEnded(status: string, signal: string): PaneSighting['ended'] {
  if (signal !== '') return { signal: signal.replace(/^SIG/, '') }
  return status === '' ? undefined : { status: Number(status) }
}

/**
 * `session:window` is the name of the oldest pane that is called so; all others have their id behind it. Windows are moved and
 * numbered anew, ids stay for as long as the server lives.
 */
function named(panes: readonly PaneSighting[]): PaneSighting[] {
  const oldest = new Map<string, PaneSighting>()
  const keyOf = ({ socket, name }: PaneSighting) => `${socket}\n${name}`
  for (const pane of panes) {
    const known = oldest.get(keyOf(pane))
    if (!known || numberOf(pane) < numberOf(known)) oldest.set(keyOf(pane), pane)
  }
  return panes.map((pane) => (oldest.get(keyOf(pane)) === pane ? pane : { ...pane, name: `${pane.name}.${pane.paneId}` }))
}

const numberOf = ({ paneId }: PaneSighting): number => Number(paneId.slice(1))

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

function checked<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value)
  if (!result.success) throw new ProtocolError(`the ${what} of the answer to panes is malformed`)
  return result.data
}
