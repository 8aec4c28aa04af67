/** What a look costs with more and more hosts: it is to grow with their number and no faster. */
import type { BenchmarkContext, Figure, Outcome } from '../benchmark.ts'
import { median } from '../statistics.ts'
import { familyCpuMs } from './cpu.ts'
import { openFarm } from './farm.ts'
import { openLinks } from './links.ts'

/** All from one farm, so that nothing differs but the number that is looked at. */
export async function measureScale(counts: readonly number[], sweeps: number, { say, signal }: BenchmarkContext): Promise<Outcome> {
  await using ending = new AsyncDisposableStack()
  const farm = await openFarm(Math.max(...counts))
  ending.defer(() => farm.stop())
  const figures: Record<string, Figure> = {}
  const ms = (value: number, means: string): Figure => ({ value, unit: 'ms', better: 'lower', whose: 'ours', means })
  for (const count of counts) {
    const links = await openLinks(farm, farm.hosts.slice(0, count), signal)
    try {
      const beforeMs = familyCpuMs(farm.pids)
      const { wallMs, cpuMs } = await links.sweep(sweeps, 60)
      const serverMs = (familyCpuMs(farm.pids) - beforeMs) / sweeps
      figures[`client_cpu_per_host_at_${count}_ms`] = ms(cpuMs / count, `CPU on our side for each of ${count} hosts in a look at all`)
      figures[`server_cpu_per_host_at_${count}_ms`] = ms(serverMs / count, 'CPU of sshd and gate for it')
      figures[`wall_per_host_at_${count}_ms`] = ms(median(wallMs) / count, 'how long that look took, divided by the hosts')
      say(`scale: ${count} hosts, ${(cpuMs / count).toFixed(2)} ms of client CPU and ${(median(wallMs) / count).toFixed(2)} ms for each`)
    } finally {
      await links.stop()
    }
  }
  const [least, most] = [Math.min(...counts), Math.max(...counts)].map((count) => `client_cpu_per_host_at_${count}_ms`)
  const comparisons =
    least && most ? { [`client_cpu_per_host_at_${Math.max(...counts)}_vs_${Math.min(...counts)}`]: { ours: most, theirs: least } } : {}
  return { figures, comparisons, leftOut: [] }
}
