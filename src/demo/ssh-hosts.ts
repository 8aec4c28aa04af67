/** The three SSH hosts of the demo, with one key that opens them and one known_hosts file that pins them. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { SSH_HOSTS } from './cast.ts'
import type { Layout } from './layout.ts'
import { hostDir } from './layout.ts'
import type { Programs } from './programs.ts'
import type { SshHost, SshHostEvent } from './sshd.ts'
import { keyPair, startSshHost } from './sshd.ts'

/** Resolves when all of them let us in. Where one does not, none is left running. */
export async function startSshHosts(
  layout: Layout,
  programs: Programs,
  returnMs: number,
  told: (id: string, event: SshHostEvent) => void,
): Promise<SshHost[]> {
  mkdirSync(dirname(layout.identity), { recursive: true, mode: 0o700 })
  const { publicKey } = await keyPair(layout.identity, 'towerwatch demo', programs)
  writeFileSync(layout.authorizedKeys, `${publicKey}\n`, { mode: 0o600 })
  const starts = SSH_HOSTS.map((id, index) => {
    const plan = {
      id,
      wantedAddress: `127.0.0.${index + 2}`,
      dir: hostDir(layout, id),
      authorizedKeys: layout.authorizedKeys,
      identity: layout.identity,
      returnMs,
      told: (event: SshHostEvent) => told(id, event),
    }
    return startSshHost(plan, programs)
  })
  const results = await Promise.allSettled(starts)
  const hosts = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const broken = results.find((result) => result.status === 'rejected')
  if (broken?.status === 'rejected') {
    await Promise.all(hosts.map((host) => host.stop()))
    throw broken.reason
  }
  writeFileSync(layout.knownHosts, hosts.map((host) => `${host.knownHost}\n`).join(''), { mode: 0o600 })
  return hosts
}
