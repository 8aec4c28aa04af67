/** A host that is well, as it says so itself. */
import type { HostHealth } from '../../src/ports/host.ts'

const gib = 2 ** 30

export function healthOf(more: Partial<HostHealth> = {}): HostHealth {
  return {
    uptimeS: 3 * 86_400,
    load1: 0.5,
    load5: 0.4,
    load15: 0.3,
    cores: 2,
    memoryTotalBytes: 8 * gib,
    memoryAvailableBytes: 6 * gib,
    swapTotalBytes: 0,
    swapFreeBytes: 0,
    disks: [diskOf('/', 30)],
    services: [],
    byMemory: [],
    byCpu: [],
    reboot: 'no',
    clockOffsetMs: 0,
    ...more,
  }
}

/** 100 GiB, so full in percent, and its inodes. */
export function diskOf(mount: string, usedPercent: number, inodesUsedPercent = 10): HostHealth['disks'][number] {
  return {
    kind: 'sized',
    mount,
    totalBytes: 100 * gib,
    availableBytes: (100 - usedPercent) * gib,
    inodes: { total: 100_000, free: (100 - inodesUsedPercent) * 1_000 },
  }
}
