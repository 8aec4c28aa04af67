/** `towerwatch deadman` and `towerwatch service` as a user has them: real processes; stand-ins for who starts services. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { compileCache } from '../support/compile-cache.ts'
import { killHard } from '../support/processes.ts'
import { type StandIns, standIns } from '../support/stand-ins.ts'
import { until } from '../support/until.ts'
import { type WebsocketTower, websocketTower } from '../support/websocket-tower.ts'

const root = join(import.meta.dirname, '..', '..')
const cli = join(root, 'src', 'cli.ts')
const child = join(root, 'test', 'shell', 'own-life-child.ts')

let home: string
/** With everything in its name that a path may hold. */
let folder: string
let stand: StandIns
let tower: WebsocketTower
let outside: { server: Server; calls: string[] }
const pids = new Set<number>()

beforeEach(async () => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'tw-dead-')))
  folder = join(home, `fleet 100% "d" 'q' $HOME ü`)
  mkdirSync(folder)
  stand = standIns(home, ['systemd', 'cron'])
  tower = await websocketTower('hunter2')
  const calls: string[] = []
  const server = createServer((request, response) => {
    calls.push(request.url ?? '')
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  outside = { server, calls }
  writeFileSync(join(folder, 'secret'), 'hunter2\n')
  writeFleet()
})

afterEach(async () => {
  for (const pid of pids) killHard(pid)
  pids.clear()
  await tower.stop()
  outside.server.closeAllConnections()
  await new Promise((resolve) => outside.server.close(resolve))
  rmSync(home, { recursive: true, force: true })
})

function writeFleet(more = '', password = '{ file: secret }'): void {
  const { port } = outside.server.address() as AddressInfo
  writeFileSync(
    join(folder, 'fleet.yaml'),
    `version: 1
fleet: test
state: state
tower: { url: "${tower.url}", account: towerwatch, password: ${password} }
hosts: { local: { kind: local } }
agents: {}
deadman: { ping: "http://127.0.0.1:${port}/5ecre7", every: 1h, stale: 30s, window: 15m ${more} }
`,
  )
}

const env = (more: Record<string, string> = {}) => ({ PATH: `${stand.bin}:/usr/bin:/bin`, HOME: home, ...compileCache, ...more })

async function towerwatch(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const started = spawn(process.execPath, [cli, ...args], { cwd: folder, env: env(), stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  started.stdout.on('data', (chunk) => (out += chunk))
  started.stderr.on('data', (chunk) => (err += chunk))
  const [code] = await once(started, 'close')
  return { code, out, err }
}

const beatFile = () => join(folder, 'state', 'watch.beat')
const beat = () => JSON.parse(readFileSync(beatFile(), 'utf8'))
const memory = () => JSON.parse(readFileSync(join(folder, 'state', 'deadman.json'), 'utf8'))
const restarts = () => stand.orders().filter((order) => order.includes(' restart '))

/** Two beats: then it counts as up. */
const isUp = () => until(() => beat().seq >= 2, { withinMs: 20_000, what: 'the second beat' })

async function startWatch(more: Record<string, string> = {}): Promise<{ process: ChildProcess; said(): string }> {
  const before = existsSync(beatFile()) ? beat().epoch : ''
  const started = spawn(process.execPath, [child, join(folder, 'fleet.yaml')], { env: env(more), stdio: ['ignore', 'pipe', 'inherit'] })
  pids.add(started.pid ?? 0)
  let text = ''
  started.stdout.on('data', (chunk) => (text += chunk))
  await until(() => existsSync(beatFile()) && beat().epoch !== before, { withinMs: 20_000, what: 'the first beat' })
  return { process: started, said: () => text }
}

/** As if the last beat had come ten minutes earlier. Only for a watch that does not beat any more. */
function age(): void {
  const { bootMs, ...rest } = beat()
  writeFileSync(beatFile(), JSON.stringify({ ...rest, bootMs: bootMs - 600_000 }))
}

async function kill(watch: { process: ChildProcess }, signal: NodeJS.Signals): Promise<void> {
  const ended = once(watch.process, 'close')
  watch.process.kill(signal)
  await ended
}

/** What `systemctl restart` does here: ends the watch that is there, and starts another. */
function unitStarts(what: 'child' | 'run' = 'child'): void {
  const script = join(home, 'restart-watch')
  writeFileSync(script, `#!/bin/sh\nkill -KILL "$1" 2>/dev/null\nto=$2\nshift 2\n"$@" >/dev/null 2>&1 &\necho $! >"$to"\n`)
  chmodSync(script, 0o755)
  const file = join(folder, 'fleet.yaml')
  const program = what === 'run' ? [cli, 'run', '--config', file] : [child, file]
  stand.onRestart([script, String(beat().pid), join(home, 'restarted'), process.execPath, ...program])
}

async function restarted(before: string): Promise<void> {
  await until(() => beat().epoch !== before && beat().seq >= 1, { withinMs: 20_000, what: 'the beat of the restarted watch' })
  pids.add(Number(readFileSync(join(home, 'restarted'), 'utf8')))
}

describe('towerwatch deadman', () => {
  it('finds a watch that beats to be well, does nothing, and says nothing at all when it is to be quiet', async () => {
    await startWatch()
    expect(await towerwatch('deadman', '--dry-run')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^The watch is (starting|well)\./),
    })
    await isUp()
    expect(await towerwatch('deadman')).toEqual({ code: 0, out: 'The watch is well.\n', err: '' })
    expect(await towerwatch('deadman', '--quiet')).toEqual({ code: 0, out: '', err: '' })
    expect([tower.logins, outside.calls, stand.orders()]).toEqual([[], [], []])
    expect(existsSync(join(folder, 'state', 'deadman.json'))).toBe(false)
  })

  it('tells, calls and restarts a killed watch once, and leaves the telling of its return to the watch', async () => {
    const watch = await startWatch()
    await kill(watch, 'SIGKILL')
    const soon = await towerwatch('deadman')
    expect(soon.out).toBe("The watch's process is gone; it counts as dead 30 s after its last beat.\n")
    expect(soon.code).toBe(0)

    age()
    const first = await towerwatch('deadman', '--quiet')
    expect(first.code).toBe(1)
    expect(first.out).toMatch(/^The watch is dead: its process is gone\. Its last beat is 10 min( \d+ s)? old\./)
    expect(tower.said).toEqual([
      expect.stringMatching(
        /^The watch is dead since \d\d:\d\d UTC \(10 min.* ago\): its process is gone\. .* The deadman restarts it now\.$/,
      ),
    ])
    expect(outside.calls).toEqual(['/5ecre7/fail'])
    // There is no unit: that is said, with what to type.
    expect(first.err).toMatch(/could not be restarted.*Unit towerwatch\.service not found/)
    expect(first.err).toMatch(/systemctl --user --no-block restart towerwatch\.service.*towerwatch service install/)
    expect(first.out + first.err).not.toMatch(/5ecre7|hunter2/)

    unitStarts()
    const second = await towerwatch('deadman')
    expect(second.out).toMatch(/It is not restarted now: at most once in 15 min/)
    expect([restarts().length, tower.said.length, outside.calls.length]).toEqual([1, 1, 1])

    const next = await startWatch()
    await until(() => next.said().includes('announced watch-back.') && beat().tells === memory().outage.id, {
      withinMs: 20_000,
      what: 'the watch to tell of its return',
    })
    expect(next.said()).toContain(`announced watch-back.${memory().outage.id}`)
    expect((await towerwatch('deadman')).code).toBe(0)
    expect(memory().outage).toBeUndefined()
    expect(tower.logins).toHaveLength(1)
  })

  it('restarts a watch that hangs, after a second look, and then finds it well', async () => {
    const watch = await startWatch()
    unitStarts()
    const { epoch } = beat()
    watch.process.kill('SIGSTOP')
    age()
    const found = await towerwatch('deadman')
    expect(found.code).toBe(1)
    expect(found.out).toContain('The watch is dead: its process is there, but neither beats nor answers.')
    expect(found.out).toContain('The watch was restarted (systemctl --user --no-block restart towerwatch.service)')
    expect(restarts()).toEqual(['systemctl --user --no-block restart towerwatch.service'])
    await restarted(epoch)
    await isUp()
    expect((await towerwatch('deadman')).out).toMatch(/^The watch is well\./)
  })

  it('takes no watch for dead whose clock was set, nor one that has just woken up', async () => {
    await startWatch()
    // Older than stale by what is in it, as after a sleep; the living watch says so within five seconds.
    age()
    const { code, out } = await towerwatch('deadman')
    expect([code, out]).toEqual([0, 'The watch is well.\n'])
    expect(restarts()).toEqual([])
  })

  it('takes a watch that beats no more for mute, not for dead, as long as it answers', async () => {
    const watch = await startWatch()
    watch.process.kill('SIGUSR2')
    await until(() => watch.said().includes('mute'), { withinMs: 10_000, what: 'the watch to beat no more' })
    age()
    const { code, out } = await towerwatch('deadman')
    expect([code, restarts(), tower.said]).toEqual([0, [], []])
    expect(out).toMatch(/^The watch answers, but its own beat does not come: can it write into /)
  })

  it('tells once of a watch that was stopped in order, restarts it never, and says how to start it', async () => {
    const watch = await startWatch()
    await kill(watch, 'SIGTERM')
    expect(beat().says).toMatch(/^stopped in order at 20/)
    expect(await towerwatch('deadman')).toMatchObject({ code: 0, out: expect.stringContaining('stopped in order a moment ago') })
    age()
    const first = await towerwatch('deadman')
    expect(first.code).toBe(3)
    expect(first.out).toContain('so it is not restarted. To start it: systemctl --user start towerwatch.service')
    expect((await towerwatch('deadman')).code).toBe(3)
    expect(tower.said).toEqual([expect.stringMatching(/^The watch was stopped in order 10 min.* ago\. Nobody looks after the fleet/)])
    expect([restarts(), outside.calls]).toEqual([[], []])
  })

  it('tells the return by itself where the watch has no Tower', async () => {
    await kill(await startWatch(), 'SIGTERM')
    age()
    await towerwatch('deadman')
    await startWatch({ OWN_TOWER: 'none' })
    await isUp()
    expect((await towerwatch('deadman')).code).toBe(0)
    expect((await towerwatch('deadman')).code).toBe(0)
    expect(tower.said.slice(1)).toEqual([expect.stringMatching(/^The watch looks at the fleet again, after 10 min/)])
    expect(memory().outage).toBeUndefined()
  })

  it('is one at a time: two at once restart once and tell once', async () => {
    const watch = await startWatch()
    unitStarts()
    const { epoch } = beat()
    await kill(watch, 'SIGKILL')
    age()
    const both = await Promise.all([towerwatch('deadman'), towerwatch('deadman')])
    expect(both.map(({ code }) => code)).toEqual([1, 1])
    expect([restarts().length, tower.said.length, outside.calls.length]).toEqual([1, 1, 1])
    await restarted(epoch)
  })

  it('tries again later what could not be told, but no login for ten minutes after a refusal', async () => {
    await kill(await startWatch(), 'SIGKILL')
    age()
    writeFileSync(join(folder, 'secret'), 'wrong\n')
    const refused = await towerwatch('deadman')
    expect(refused.err).toMatch(/The Tower could not be told: The Tower refused the login/)
    writeFileSync(join(folder, 'secret'), 'hunter2\n')
    await towerwatch('deadman')
    expect(tower.logins).toEqual(['towerwatch was refused'])
    const { refused: _, ...rest } = memory()
    writeFileSync(join(folder, 'state', 'deadman.json'), JSON.stringify(rest))
    await towerwatch('deadman')
    expect(tower.said).toHaveLength(1)
  })

  it('works while the ledger is broken or locked, and with a damaged memory restarts nothing for a window', async () => {
    await kill(await startWatch(), 'SIGKILL')
    age()
    writeFileSync(join(folder, 'state', 'ledger.sqlite'), 'no database')
    writeFileSync(join(folder, 'state', 'deadman.json'), '{')
    const { code, out } = await towerwatch('deadman')
    expect([code, restarts(), tower.said.length]).toEqual([1, [], 1])
    expect(out).toContain('It is not restarted now')
  })

  it('without a state folder tells all the same, and restarts nothing because it could not note that', async () => {
    const { code, err } = await towerwatch('deadman')
    expect([code, restarts(), tower.said.length]).toEqual([1, [], 1])
    expect(err).toMatch(/Nothing can be kept in the watch's state folder, so nothing is restarted/)
  })

  it('says what it would do, and does nothing, in a dry run', async () => {
    await kill(await startWatch(), 'SIGKILL')
    age()
    const { code, out } = await towerwatch('deadman', '--dry-run')
    expect([code, tower.logins, outside.calls, restarts()]).toEqual([1, [], [], []])
    expect(out).toContain("would be done now: tell the Tower, call the outside dead man's switch, restart the watch.")
  })
})

describe('towerwatch run, with a deadman', () => {
  it('is brought back when it was killed; the Tower hears of its death and of its return once each; then it stops in order', async () => {
    const run = (): ChildProcess => {
      const started = spawn(process.execPath, [cli, 'run'], { cwd: folder, env: env(), stdio: 'ignore' })
      pids.add(started.pid ?? 0)
      return started
    }
    const connected = (epoch: string) =>
      until(() => existsSync(beatFile()) && beat().epoch !== epoch && beat().tower === 'connected', {
        withinMs: 30_000,
        what: 'the watch to be connected, by its own word',
      })
    const watch = run()
    await connected('')
    expect(beat()).toMatchObject({ says: 'watching', ledger: 'writable', pid: watch.pid })
    await isUp()
    expect((await towerwatch('deadman')).out).toBe('The watch is well.\n')
    await until(() => outside.calls.includes('/5ecre7'), { withinMs: 30_000, what: 'the outside switch to be called' })

    const { epoch } = beat()
    unitStarts('run')
    await kill({ process: watch }, 'SIGKILL')
    age()
    expect((await towerwatch('deadman')).code).toBe(1)
    expect(restarts()).toHaveLength(1)
    await restarted(epoch)
    await until(() => tower.said.length === 2, { withinMs: 30_000, what: 'the Tower to hear of the return' })
    expect(tower.said).toEqual([
      expect.stringMatching(/^The watch is dead since /),
      expect.stringMatching(/^The watch looks at the fleet again, after 10 min/),
    ])
    await until(() => beat().tells === memory().outage.id, { withinMs: 20_000, what: 'the watch to say that it told' })
    expect((await towerwatch('deadman')).out).toBe('The watch is well.\n')
    expect([memory().outage, tower.said.length, outside.calls.filter((path) => path.endsWith('/fail')).length]).toEqual([undefined, 2, 1])

    process.kill(beat().pid, 'SIGTERM')
    await until(() => beat().stoppedAt !== undefined, { withinMs: 20_000, what: 'the orderly stop' })
    age()
    expect((await towerwatch('deadman')).code).toBe(3)
    expect(restarts()).toHaveLength(1)
  })
})

describe('towerwatch run that falls over at each start', () => {
  it('leaves fresh beats, and is found dead all the same after five minutes', async () => {
    mkdirSync(join(folder, 'state', 'ledger.sqlite'), { recursive: true })
    expect((await towerwatch('run')).code).toBe(1)
    expect(beat()).toMatchObject({ says: 'watching', ledger: 'starting' })
    const first = await towerwatch('deadman')
    expect([first.code, memory().unwell.seenMs]).toEqual([0, memory().unwell.bootMs])
    // As if it had been like this for five minutes, in which the deadman looked each minute.
    const { unwell } = memory()
    writeFileSync(join(folder, 'state', 'deadman.json'), JSON.stringify({ unwell: { ...unwell, bootMs: unwell.bootMs - 300_000 } }))
    await towerwatch('run')
    const found = await towerwatch('deadman')
    expect(found.code).toBe(1)
    expect(found.out).toMatch(
      /^The watch is dead: it starts, perhaps again and again, but does not come up; its log says why\. It was not well for 5 min/,
    )
    expect(tower.said).toEqual([expect.stringMatching(/^The watch is dead since .*does not come up/)])
    expect(restarts()).toHaveLength(1)
  })
})

describe('towerwatch deadman --install', () => {
  it('puts a line into the crontab that does what it says, and takes it out again, all other lines untouched', async () => {
    const others = 'MAILTO=me\n5 * * * * /bin/true  # a\\%b\n'
    stand.crontab(others)
    const dry = await towerwatch('deadman', '--install', '--dry-run')
    expect(dry.out).toContain('run crontab -, with this on its input:')
    expect(stand.crontab()).toBe(others)

    expect(await towerwatch('deadman', '--install')).toMatchObject({ code: 0, out: expect.stringContaining('cron runs it once a minute') })
    const installed = stand.crontab() ?? ''
    expect(installed.startsWith(others)).toBe(true)
    expect((await towerwatch('deadman', '--install')).out).toContain('nothing to do')
    expect(stand.crontab()).toBe(installed)
    expect(await towerwatch('deadman', '--status')).toMatchObject({ code: 0, out: 'cron runs the deadman, once a minute\n' })

    // As cron runs it: its own few variables, and percent signs its own way.
    await kill(await startWatch(), 'SIGTERM')
    age()
    const line = Buffer.from(installed, 'latin1').toString().split('\n').at(-2) ?? ''
    const command = line.slice('* * * * * '.length).replaceAll('\\%', '%')
    const cron = spawn('/bin/sh', ['-c', command], { env: { HOME: home, LOGNAME: 'tester', PATH: '/usr/bin:/bin', SHELL: '/bin/sh' } })
    let out = ''
    cron.stdout.on('data', (chunk) => (out += chunk))
    const [code] = await once(cron, 'close')
    expect([code, out]).toEqual([3, expect.stringContaining('The watch was stopped in order')])

    expect((await towerwatch('deadman', '--uninstall')).out).toContain('The deadman is removed')
    expect(stand.crontab()).toBe(others)
    expect(await towerwatch('deadman', '--status')).toMatchObject({ code: 1, out: expect.stringContaining('towerwatch deadman --install') })
  })

  it('writes a timer where that is asked for, not beside a crontab line, and removes it without a trace', async () => {
    await towerwatch('deadman', '--install', '--via', 'systemd')
    const units = ['timer', 'service'].map((ending) => join(home, '.config', 'systemd', 'user', `towerwatch-deadman.${ending}`))
    expect(units.map((file) => existsSync(file))).toEqual([true, true])
    const twice = await towerwatch('deadman', '--install', '--via', 'cron')
    expect([twice.code, stand.crontab()]).toEqual([1, undefined])
    expect(twice.err).toMatch(/installed already, by systemd, and one is enough/)
    await towerwatch('deadman', '--uninstall')
    expect(units.map((file) => existsSync(file))).toEqual([false, false])
  })

  it('reports other deadmen and does not touch them', async () => {
    const others = '*/5 * * * * python3 /the-nexus/bin/nexus_watchdog.py\n'
    stand.crontab(others)
    const { out } = await towerwatch('deadman', '--install')
    expect(out).toContain(
      'Another deadman? line 1 of your crontab: */5 * * * * python3 /the-nexus/bin/nexus_watchdog.py\n  To look at it: crontab -e',
    )
    expect(out).toContain('Keep one: switch the others off yourself')
    expect(stand.crontab()?.startsWith(others)).toBe(true)
  })

  it.each<[string, string[], RegExp]>([
    ['both at once', ['--install', '--uninstall'], /Only one of --install, --uninstall/],
    ['--via alone', ['--via', 'cron'], /--via goes with --install/],
    ['an unknown manager', ['--install', '--via', 'at'], /Allowed choices are cron, systemd, launchd/],
    ['a fleet.yaml that is not there', ['--config', 'nowhere.yaml'], /there is no such file/],
  ])('ends with 2 at %s', async (_name, args, words) => {
    expect(await towerwatch('deadman', ...args)).toMatchObject({ code: 2, err: expect.stringMatching(words) })
  })

  it('refuses a secret from the environment, which a service does not have, and says what to do', async () => {
    writeFleet('', '{ env: TOWER_PASSWORD }')
    const started = spawnSync(process.execPath, [cli, 'deadman', '--install'], {
      cwd: folder,
      env: env({ TOWER_PASSWORD: 'hunter2' }),
      encoding: 'utf8',
    })
    expect(started.status).toBe(2)
    expect(started.stderr).toMatch(/TOWER_PASSWORD is not set for a service\n.*write \{ file: path \}/)
    expect(stand.crontab()).toBeUndefined()
  })
})

describe('towerwatch service', () => {
  it('installs, tells of and removes the unit of the watch', async () => {
    expect(await towerwatch('service', 'status')).toMatchObject({ code: 1, out: expect.stringContaining('not installed') })
    const dry = await towerwatch('service', 'install', '--dry-run')
    expect(dry.out).toMatch(/^write .*towerwatch\.service:\n(.*\n)*run systemctl --user daemon-reload\n/)
    expect(stand.orders()).toEqual([])
    expect((await towerwatch('service', 'install')).code).toBe(0)
    expect(JSON.parse((await towerwatch('service', 'status', '--json')).out)).toMatchObject({
      name: 'towerwatch',
      manager: 'systemd',
      file: 'as it would be written',
      isEnabled: true,
      isActive: true,
      ok: true,
    })
    const orders = stand.orders()
    expect((await towerwatch('service', 'install')).out).toContain('nothing to do')
    expect(stand.orders()).toEqual(orders)
    expect((await towerwatch('service', 'remove')).out).toContain('is removed')
    expect(existsSync(join(home, '.config', 'systemd', 'user', 'towerwatch.service'))).toBe(false)
    expect((await towerwatch('service', 'remove')).out).toContain('nothing to do')
  })

  it('refuses a user for a unit that is his own, and a name that is none', async () => {
    expect(await towerwatch('service', 'install', '--as', 'agents')).toMatchObject({
      code: 2,
      err: expect.stringContaining('scope: system'),
    })
    writeFleet(', scope: system')
    expect(await towerwatch('service', 'install', '--as', 'a b')).toMatchObject({ code: 2, err: expect.stringContaining('no user name') })
    expect((await towerwatch('service', 'install', '--as', 'agents', '--dry-run')).out).toContain('    User=agents\n')
  })
})
