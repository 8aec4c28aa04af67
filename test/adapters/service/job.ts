import type { Job } from '../../../src/ports/service.ts'

export function job(more: Partial<Job> = {}): Job {
  return {
    name: 'towerwatch-deadman',
    description: 'Towerwatch: the deadman of the watch of the fleet home',
    fleetFile: '/fleet/fleet.yaml',
    runs: 'every-minute',
    argv: ['/opt/node/bin/node', '/opt/tower watch/cli.js', 'deadman', '--quiet', '--config', '/fleet/fleet.yaml'],
    path: '/usr/local/bin:/usr/bin:/bin',
    log: '/fleet/var/deadman.log',
    ...more,
  }
}

export const watchJob = (more: Partial<Job> = {}): Job =>
  job({
    name: 'towerwatch',
    description: 'Towerwatch: the watch of the fleet home',
    runs: 'always',
    argv: ['/opt/node/bin/node', '/opt/tower watch/cli.js', 'run', '--config', '/fleet/fleet.yaml'],
    log: '/fleet/var/watch.log',
    ...more,
  })
