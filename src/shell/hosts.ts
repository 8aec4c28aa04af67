import { createLocalHost } from '../adapters/hosts/local.ts'
import { createSshHost } from '../adapters/hosts/ssh.ts'
import type { Config } from '../config/config.ts'
import type { Host } from '../ports/host.ts'

/** A host of fleet.yaml, not connected yet. One that is not declared is this machine. */
export function hostOf(id: string, config: Config): Host {
  const declared = config.hosts.get(id)
  if (!declared || declared.kind === 'local') return createLocalHost(id)
  const { kind: _, id: _id, name: _name, ...access } = declared
  return createSshHost(id, access)
}
