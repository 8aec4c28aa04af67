import { readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { messageOf } from '../../domain/failure.ts'

/** Where a Tower is and how to get in. Passwords are letters and digits. */
export type Place = {
  readonly telnet: { readonly host: string; readonly port: number }
  readonly web: { readonly url: string }
  readonly websocket: { readonly url: string }
  /** The watch's own account; its password is in a file that only its owner can read. */
  readonly bridge: { readonly account: string; readonly passwordFile: string }
  /** A Builder, who may act. */
  readonly player: { readonly account: string; readonly password: string }
  /** May look, and nothing more. */
  readonly visitor: { readonly account: string; readonly password: string }
  readonly channel: 'Fleet'
}

const port = z.int().min(1).max(65_535)
const Ports = z.strictObject({ telnet: port, web: port, websocket: port, internalWeb: port, amp: port })
export type Ports = z.infer<typeof Ports>

const account = z.object({ account: z.string().min(1), password: z.string().min(1) })
const PlaceFile = z.object({ python: z.string().min(1), evennia: z.string().min(1), ports: Ports })
const AccountsFile = z.object({ bridge: account, player: account, visitor: account })

/** The bundled Tower as set-up left it under `var/tower`. */
export type Provisioned = {
  /** The game directory, without symbolic links: as it stands in the command lines of the game's processes. */
  readonly game: string
  readonly folder: string
  /** The Python of its virtual environment. */
  readonly python: string
  /** The folder of the Evennia that is installed for it. */
  readonly evennia: string
  readonly ports: Ports
  readonly place: Place
  /** What the game was made from; changes with its code. */
  readonly stamp: string
}

/** Loopback only: the bundled Tower is for the people on this machine. */
export const HOST = '127.0.0.1'

/**
 * Where the bundled Tower is and how to get in. Its ports can change when it is started (another program may have taken
 * one), so prefer what `startBundledTower` returns.
 * @throws when set-up has not made it: the message says what to run
 */
export function readPlace(varDir: string): Place {
  return readProvisioned(varDir).place
}

/** @throws when set-up has not made it, or its files are damaged: the message says what to run */
export function readProvisioned(varDir: string): Provisioned {
  const folder = path.join(path.resolve(varDir), 'tower')
  const { python, evennia, ports } = parse(path.join(folder, 'place.json'), PlaceFile)
  const accounts = parse(path.join(folder, 'accounts.json'), AccountsFile)
  const stamp = read(path.join(folder, 'stamp')).trim()
  return {
    game: realpathSync(path.join(folder, 'game')),
    folder,
    python,
    evennia,
    ports,
    stamp,
    place: {
      telnet: { host: HOST, port: ports.telnet },
      web: { url: `http://${HOST}:${ports.web}` },
      websocket: { url: `ws://${HOST}:${ports.websocket}` },
      bridge: { account: accounts.bridge.account, passwordFile: path.join(folder, 'bridge-password') },
      player: { account: accounts.player.account, password: accounts.player.password },
      visitor: { account: accounts.visitor.account, password: accounts.visitor.password },
      channel: 'Fleet',
    },
  }
}

/** Keeps other ports for the game; the game reads them when it starts. */
export function writePorts(varDir: string, ports: Ports): void {
  const file = path.join(path.resolve(varDir), 'tower', 'place.json')
  const known = parse(file, PlaceFile)
  writeFileSync(`${file}.tmp`, `${JSON.stringify({ ...known, ports }, null, 2)}\n`)
  renameSync(`${file}.tmp`, file)
}

function parse<T>(file: string, schema: z.ZodType<T>): T {
  const text = read(file)
  try {
    return schema.parse(JSON.parse(text))
  } catch (error) {
    // The fault is named by its place only: the file may hold passwords.
    const where = error instanceof z.ZodError ? error.issues.map((issue) => issue.path.join('.') || 'all of it').join(', ') : 'not JSON'
    throw new Error(`${file} is damaged (${where}). Remove it and run npm start once: it is made again.`)
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const reason = messageOf(error)
    throw new Error(`The bundled Tower has not been set up (${reason}). Run npm start once.`)
  }
}
