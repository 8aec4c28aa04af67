/** `var/demo/info.json`: the running demo, for scripts. It is there exactly while everything is up. */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { DemoError } from './error.ts'
import { replaceFile } from './files.ts'

const port = z.int().min(1).max(65_535)
const pid = z.int().min(2)
const path = z.string().startsWith('/')
/** The passwords are typed into a telnet line, where a space or a quote would need explaining. */
const login = z.strictObject({ account: z.string().min(1), password: z.string().regex(/^[A-Za-z0-9]+$/) })

export const demoInfo = z.strictObject({
  telnet: z.strictObject({ host: z.string().min(1), port }),
  web: z.strictObject({ url: z.url({ protocol: /^https?$/ }) }),
  websocket: z.strictObject({ url: z.url({ protocol: /^wss?$/ }) }),
  /** May act. */
  player: login,
  /** May only look. */
  visitor: login,
  /** The game's channel on which deaths and returns are told. */
  channel: z.string().min(1),
  tmux: z.strictObject({ socket: path }),
  /** The SSH hosts; `sshdPid` is the listener. */
  hosts: z.array(z.strictObject({ id: z.string(), address: z.string(), port, sshdPid: pid })),
  agents: z.array(
    z.strictObject({
      id: z.string(),
      host: z.string(),
      kind: z.enum(['pane', 'process']),
      /** tmux's own id of the pane, where `kind` is `pane`. */
      pane: z
        .string()
        .regex(/^%\d+$/)
        .optional(),
      /** The worker itself; of a dead one the last it had. */
      pid,
      heartbeat: path,
    }),
  ),
})

export type DemoInfo = z.infer<typeof demoInfo>

/** By rename, and readable by nobody else: it holds passwords. */
export function writeInfo(file: string, info: DemoInfo): void {
  replaceFile(file, `${JSON.stringify(demoInfo.parse(info), null, 2)}\n`, 0o600)
}

/** Throws DemoError where no demo is up, or the file is not what this version writes. */
export function readInfo(file: string): DemoInfo {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new DemoError(
      `No demo is up here: ${file} could not be read. Start one with \`npm start\`, wait until it says that it is ready.`,
      {
        cause: error,
      },
    )
  }
  try {
    return demoInfo.parse(JSON.parse(text))
  } catch (error) {
    throw new DemoError(`${file} is not what this demo writes. Stop the demo with Ctrl-C and start it again.`, { cause: error })
  }
}
