/** The machines that agents live on. */
import { z } from 'zod'
import { thresholds } from './health.ts'
import { absolutePath, idText, scope, sshPath, unitName, url } from './parts.ts'

/** What has to be there beside the agents. */
const service = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('unit'), unit: unitName, scope }),
  z.strictObject({ kind: z.literal('launchd'), label: unitName, scope }),
  z.strictObject({
    kind: z.literal('process'),
    name: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,62}$/, { error: 'expected the name of a program, without its path' }),
  }),
  z.strictObject({
    kind: z.literal('tcp'),
    address: z
      .string()
      .regex(/^[A-Za-z0-9:][A-Za-z0-9.:-]{0,252}$/, { error: 'expected an address or a host name' })
      .default('127.0.0.1'),
    port: z.int().min(1).max(65535),
  }),
  z.strictObject({
    kind: z.literal('http'),
    // It is asked by the host's own curl or wget, as one argument: no quotes, no blanks, nothing that those read as a pattern.
    url: url.regex(/^[A-Za-z0-9:/?&=%._~#@!,+-]{1,400}$/, { error: 'expected a plain URL, without quotes, brackets and blanks' }),
    status: z.int().min(100).max(599).optional(),
  }),
])

const common = {
  name: z.string().min(1).max(60).optional(),
  services: z.record(idText, service).default({}),
  /** Where this host differs from `health`. */
  health: thresholds.optional(),
  /** Sockets of tmux servers whose panes are shown, beside those that agents live in. */
  sockets: z.array(absolutePath).max(20).default([]),
}

const localHost = z.strictObject({ kind: z.literal('local'), ...common })
const sshHost = z.strictObject({
  kind: z.literal('ssh'),
  ...common,
  // A host called "-oProxyCommand=…" would be an option to ssh: the pattern lets no leading "-" through. This one and the
  // user's are those of adapters/hosts/ssh.ts, so that a file which passes here can be run.
  address: z
    .string()
    .regex(/^[A-Za-z0-9_:][A-Za-z0-9_.:-]{0,252}$/, { error: 'expected a host name, an address, or a Host of your ~/.ssh/config' }),
  port: z.int().min(1).max(65535).optional(),
  user: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,62}$/, { error: 'expected a user name' })
    .optional(),
  identity: sshPath.optional(),
  /** Another key for what changes something; left out: the same one. */
  actIdentity: sshPath.optional(),
  knownHosts: sshPath.optional(),
  /** sent: over the connection each time, nothing is installed there. installed: see `towerwatch host install`. */
  gate: z.enum(['sent', 'installed']).default('sent'),
})

export const host = z.discriminatedUnion('kind', [localHost, sshHost])
