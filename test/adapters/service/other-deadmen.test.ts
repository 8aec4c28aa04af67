import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemCommands } from '../../../src/adapters/service/command.ts'
import { otherDeadmen, usualPlaces } from '../../../src/adapters/service/other-deadmen.ts'
import { type StandIns, standIns } from '../../support/stand-ins.ts'

let folder: string
let stand: StandIns
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tw-others-'))
  stand = standIns(folder, ['systemd', 'cron'])
})
afterEach(() => rmSync(folder, { recursive: true }))

const look = () =>
  otherDeadmen({
    commands: systemCommands({ PATH: stand.bin, HOME: folder }),
    own: ['night-deadman'],
    crontabs: [join(folder, 'etc-crontab')],
    crontabFolders: [join(folder, 'cron.d'), join(folder, 'nowhere')],
    plistFolders: [join(folder, 'LaunchAgents')],
  })

describe('other deadmen on this machine', () => {
  it('are found in crontabs, timers and launchd jobs, each with how to look at it', async () => {
    stand.crontab('# deadman: a note only\n0 * * * * /opt/backup\n*/5 * * * * python3 /the-nexus/bin/nexus_watchdog.py\n')
    writeFileSync(join(folder, 'etc-crontab'), '*/2 * * * * root /usr/local/bin/tower-watchdog.sh\n')
    mkdirSync(join(folder, 'cron.d'))
    writeFileSync(join(folder, 'cron.d', 'fleet'), '*/15 * * * * root check-heartbeats\n')
    writeFileSync(join(folder, 'timers'), 'logrotate.timer enabled enabled\nfleet-dead-man.timer enabled enabled\n')
    mkdirSync(join(folder, 'LaunchAgents'))
    writeFileSync(join(folder, 'LaunchAgents', 'ai.timmy.plist'), '<string>deadman_switch.py</string>')
    writeFileSync(join(folder, 'LaunchAgents', 'ai.hermes.gateway.plist'), '<string>gateway run</string>')
    const { found, unread } = await look()
    expect(unread).toEqual([])
    expect(
      found.map(({ where, what, look: how }) => [where.replace(folder, ''), what.replace(folder, ''), how.replace(folder, '')]),
    ).toEqual([
      ['line 3 of your crontab', '*/5 * * * * python3 /the-nexus/bin/nexus_watchdog.py', 'crontab -e'],
      ['line 1 of /etc-crontab', '*/2 * * * * root /usr/local/bin/tower-watchdog.sh', 'less /etc-crontab'],
      ['line 1 of /cron.d/fleet', '*/15 * * * * root check-heartbeats', 'less /cron.d/fleet'],
      // Asked for the machine and for the user.
      ['a systemd timer', 'fleet-dead-man.timer', 'systemctl cat fleet-dead-man.timer'],
      ['a systemd timer', 'fleet-dead-man.timer', 'systemctl cat fleet-dead-man.timer'],
      ['a launchd job', '/LaunchAgents/ai.timmy.plist', 'plutil -p /LaunchAgents/ai.timmy.plist'],
    ])
  })

  it('are neither our own nor what every system has', async () => {
    stand.crontab(
      '* * * * * node cli.js deadman # night-deadman-12345678\n* * * * * node towerwatch/cli.js deadman # towerwatch-deadman-1\n',
    )
    writeFileSync(join(folder, 'timers'), 'night-deadman.timer enabled\ntowerwatch-deadman.timer enabled\n')
    expect(await look()).toEqual({ found: [], unread: [] })
  })

  it('are shown without URLs, which may be secrets, and without control characters', async () => {
    stand.crontab(`* * * * * deadman && curl https://hc-ping.example/5ecre7 \x1b[31m${'x'.repeat(300)}\n`)
    const [one] = (await look()).found
    expect(one?.what).toMatch(/^\* \* \* \* \* deadman && curl <a URL> \[31mx+…$/)
    expect(one?.what).toHaveLength(160)
  })

  it('that can’t be looked at are said, and hide no others', async () => {
    mkdirSync(join(folder, 'etc-crontab'))
    mkdirSync(join(folder, 'cron.d'))
    writeFileSync(join(folder, 'cron.d', 'fleet'), '* * * * * root watchdog\n')
    const { found, unread } = await look()
    expect(found).toHaveLength(1)
    expect(unread).toEqual([expect.stringContaining("etc-crontab can't be read: EISDIR")])
  })

  it('are looked for in the usual places', () => {
    const places = usualPlaces(systemCommands({}), '/home/a', [])
    expect([places.crontabs, places.crontabFolders]).toEqual([['/etc/crontab'], ['/etc/cron.d']])
    expect(places.plistFolders).toContain('/home/a/Library/LaunchAgents')
  })
})
