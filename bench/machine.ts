import { cpus, loadavg, release, totalmem, type } from 'node:os'

/** What the figures were measured on. The loads are averages of one minute: what else was going on is in the first of them. */
export interface Machine {
  cpu: string
  cores: number
  memoryMib: number
  system: string
  node: string
  loadBefore: number
  loadAfter: number
}

export function loadNow(): number {
  return Number((loadavg()[0] ?? 0).toFixed(2))
}

/** `loadBefore` is what `loadNow` said before the run. */
export function describeMachine(loadBefore: number): Machine {
  const processors = cpus()
  return {
    cpu: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    memoryMib: Math.round(totalmem() / 2 ** 20),
    system: `${type()} ${release()}`,
    node: process.versions.node,
    loadBefore,
    loadAfter: loadNow(),
  }
}
