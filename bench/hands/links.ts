/** The links of the product over a farm of hosts, in a process of their own. */
import { z } from 'zod'
import { descendants, isAlive } from '../../test/support/processes.ts'
import { until } from '../../test/support/until.ts'
import { startChild } from '../watch/child.ts'
import type { Farm, FarmHost } from './farm.ts'

const opened = z.object({ opened: z.object({ wallMs: z.number(), cpuMs: z.number(), rssMib: z.number(), pssMib: z.number() }) })
const swept = z.object({ swept: z.object({ wallMs: z.array(z.number()), cpuMs: z.number() }) })

/** What connecting cost, and what stays in memory for it: the ssh clients, and what the watch itself grew by. */
export type Opened = z.infer<typeof opened>['opened']
/** `cpuMs`: of this process and its ssh clients, a sweep. */
export type Swept = z.infer<typeof swept>['swept']

export interface Links {
  opened: Opened
  sweep(rounds: number, pauseMs: number): Promise<Swept>
  stop(): Promise<void>
}

export async function openLinks(farm: Farm, hosts: FarmHost[], signal: AbortSignal): Promise<Links> {
  const child = startChild('hands-links-child.ts')
  const stop = async () => {
    const below = descendants(child.pid).map(({ pid }) => pid)
    await child.stop()
    await until(() => !below.some(isAlive), { withinMs: 20_000, what: 'the ssh clients to end' })
  }
  try {
    await child.hears('ready', signal)
    child.says({ open: { hosts, ssh: farm.ssh } })
    const { opened: how } = opened.parse(await child.hears('opened', signal))
    return {
      opened: how,
      sweep: async (rounds, pauseMs) => {
        child.says({ sweep: { rounds, pauseMs } })
        return swept.parse(await child.hears('swept', signal)).swept
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
