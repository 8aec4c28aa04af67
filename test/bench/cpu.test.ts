import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { familyCpuMs, memoryMibOf, ownCpuMs } from '../../bench/hands/cpu.ts'

it('counts the CPU of a process, and of those it has waited for', () => {
  const beforeMs = familyCpuMs([process.pid])
  const { pid } = spawnSync(process.execPath, ['-e', 'for (const from = process.cpuUsage().user; process.cpuUsage().user - from < 2e5; );'])
  expect(familyCpuMs([process.pid]) - beforeMs).toBeGreaterThanOrEqual(150)
  expect(ownCpuMs(process.pid)).toBeGreaterThan(0)
  expect([ownCpuMs(pid), familyCpuMs([pid]), memoryMibOf([pid])]).toEqual([0, 0, { rss: 0, pss: 0 }])
})

it('counts shared pages once for all in the proportional size', () => {
  const { rss, pss } = memoryMibOf([process.pid])
  expect(pss).toBeGreaterThan(1)
  expect(rss).toBeGreaterThanOrEqual(pss)
})
