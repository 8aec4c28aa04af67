/**
 * Hermes gateways and launchd jobs as the gate sees and restarts them, under each shell. Programs that stand in for Hermes,
 * systemctl and launchctl do what those were seen to do; the real Hermes is in test/hermes.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLocalHost } from '../../../src/adapters/hosts/local.ts'
import type { AgentDeclaration, Body, HostLink } from '../../../src/ports/host.ts'
import { failure } from '../../contracts/host.ts'
import { orders } from '../../support/orders.ts'
import { isAlive, killHard } from '../../support/processes.ts'
import { programPath } from '../../support/programs.ts'
import { until } from '../../support/until.ts'

const shells: [string, () => [string, ...string[]]][] = [
  ['dash', () => [programPath('dash')]],
  ['bash', () => [programPath('bash')]],
  ['busybox sh', () => [programPath('busybox'), 'sh']],
]

/**
 * A gateway as Hermes 0.19 behaves: says who it is in gateway.pid before it has read its settings, beats after that, and
 * removes the file when it is asked to stop.
 */
const gateway = `#!/bin/sh
echo "$*" >>"$HERMES_HOME/calls"
echo "it speaks"
trap 'rm -f "$HERMES_HOME/gateway.pid"; exit 1' TERM
sleep 0.3
set -- $(cat /proc/$$/stat)
shift 21
printf '{"pid": %s, "kind": "hermes-gateway", "argv": ["hermes", "gateway", "run"], "start_time": %s}' $$ "$1" >"$HERMES_HOME/gateway.pid"
[ ! -e "$HERMES_HOME/ends" ] || {
  sleep 0.3
  echo "no telegram token in config.yaml" >&2
  rm -f "$HERMES_HOME/gateway.pid"
  read -r status <"$HERMES_HOME/ends"
  exit "$status"
}
mkdir -p "$HERMES_HOME/state"
printf '{"pid": %s, "updated_at": "now"}' $$ >"$HERMES_HOME/state/gateway.heartbeat"
while :; do sleep 0.1; done
`

describe.each(shells)('under %s', (_, shell) => {
  let folder: string
  let bin: string
  let home: string
  let links: HostLink[] = []
  let pids: number[] = []
  const order = orders()
  const never = new AbortController().signal

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'tw-kinds-')))
    bin = join(folder, 'bin')
    home = join(folder, 'hermes home')
    mkdirSync(bin)
    mkdirSync(home)
    program('hermes', gateway)
    // The machine that runs the test may have a systemd of its own.
    program('systemctl', '#!/bin/sh\necho "Failed to connect to bus" >&2\nexit 1\n')
  })
  afterEach(async () => {
    await Promise.all(links.map((link) => link.close()))
    const last = gatewayPid()
    for (const pid of [...pids, ...(last === undefined ? [] : [last])]) killHard(pid)
    rmSync(folder, { recursive: true, force: true })
    links = []
    pids = []
  })

  function program(name: string, text: string): void {
    writeFileSync(join(bin, name), text, { mode: 0o755 })
  }

  async function opened(body: Body, more: Partial<AgentDeclaration> = {}): Promise<HostLink> {
    const link = createLocalHost('local', { shell: shell(), env: { PATH: `${bin}:${process.env['PATH']}`, HOME: folder } }).link()
    links.push(link)
    const agent: AgentDeclaration = { id: 'ezra', heartbeatFiles: [join(home, 'beat')], markers: [], configs: [], stopGraceMs: 1_000, body }
    await link.open({ agents: [{ ...agent, ...more }], services: [], sockets: [] }, never)
    return link
  }

  const hermes = (more: Partial<Extract<Body, { kind: 'hermes' }>> = {}): Body => ({
    kind: 'hermes',
    home,
    program: join(bin, 'hermes'),
    unit: 'hermes-gateway.service',
    scope: 'user',
    ...more,
  })

  function gatewayPid(): number | undefined {
    const file = join(home, 'gateway.pid')
    const pid = existsSync(file) ? Number(/"pid": *(\d+)/.exec(readFileSync(file, 'utf8'))?.[1]) : Number.NaN
    if (Number.isNaN(pid)) return undefined
    pids.push(pid)
    return pid
  }

  const sight = async (link: HostLink) => (await link.beats(new Map())).agents[0]?.process
  const restart = (link: HostLink, mode: 'stop-first' | 'only-dead' = 'stop-first', lines: string[] = []) =>
    link.restart('ezra', mode, order(), ({ step, text }) => lines.push(`${step}: ${text}`))

  describe('a Hermes gateway without a unit', () => {
    it('is started detached by "gateway run --replace", and is up once its pid file says so', async () => {
      const link = await opened(hermes())
      expect(await sight(link)).toEqual({ kind: 'gone' })
      const { text } = await restart(link, 'only-dead')
      const pid = gatewayPid()
      expect(text).toBe(`ezra runs as pid ${pid}`)
      expect(await sight(link)).toMatchObject({ kind: 'alive', pid })
      expect(readFileSync(join(home, 'calls'), 'utf8')).toBe('gateway run --replace\n')
      expect(readFileSync(join(home, 'logs', 'towerwatch-start.log'), 'utf8')).toBe('it speaks\n')
      await link.close()
      expect(isAlive(pid ?? 0)).toBe(true)
    })

    it('writes to the log that is declared for it', async () => {
      const log = join(folder, 'said')
      await restart(await opened(hermes(), { log }))
      expect(readFileSync(log, 'utf8')).toBe('it speaks\n')
      expect(existsSync(join(home, 'logs'))).toBe(false)
    })

    it('killed by -9 is gone though its pid file is there, and is started again', async () => {
      const link = await opened(hermes())
      await restart(link)
      const before = gatewayPid() ?? 0
      killHard(before)
      expect(await sight(link)).toEqual({ kind: 'gone', pid: before })
      await restart(link, 'only-dead')
      expect(gatewayPid()).not.toBe(before)
    })

    it('is not the process that has the pid of a stale file', async () => {
      const stranger = spawn('sleep', ['600'], { stdio: 'ignore' })
      pids.push(stranger.pid ?? 0)
      const link = await opened(hermes())
      writeFileSync(join(home, 'gateway.pid'), `{"pid": ${stranger.pid}, "argv": [], "start_time": 12}`)
      expect(await sight(link)).toEqual({ kind: 'gone', pid: stranger.pid })
      // Nor because its own heartbeat says the same.
      writeFileSync(join(home, 'beat'), `{"pid": ${stranger.pid}}`)
      expect((await link.beats(new Map([['ezra', stranger.pid ?? 0]]))).agents[0]?.process.kind).toBe('gone')
      await restart(link, 'stop-first')
      expect(isAlive(stranger.pid ?? 0)).toBe(true)
      expect(gatewayPid()).not.toBe(stranger.pid)
    })

    it('is gone where its pid file says nothing', async () => {
      const link = await opened(hermes())
      for (const text of ['', '{"pid": ', '{"pid": "x"}', 'not JSON', '{"pid": 1, "start_time": 1}', '[]', '\0\0']) {
        writeFileSync(join(home, 'gateway.pid'), text)
        expect((await sight(link))?.kind, text).toBe('gone')
      }
    })

    it('that stands still is alive, is not started a second time, and is ended by a person who restarts it', async () => {
      const link = await opened(hermes())
      await restart(link)
      const before = gatewayPid() ?? 0
      process.kill(before, 'SIGSTOP')
      expect(await failure(restart(link, 'only-dead'))).toMatchObject({
        kind: 'refused',
        message: `ezra is alive (pid ${before}), but stands still: somebody stopped it (SIGSTOP)`,
      })
      const lines: string[] = []
      await restart(link, 'stop-first', lines)
      expect(lines).toContain(`stop: pid ${before} stands still (SIGSTOP): asking it to stop (SIGTERM), and to go on so that it can`)
      expect(lines.join()).not.toContain('SIGKILL')
      expect(isAlive(before)).toBe(false)
      expect(gatewayPid()).not.toBe(before)
    })

    it('that ends with 78 is said to have broken settings, with the last words of its log', async () => {
      writeFileSync(join(home, 'ends'), '78')
      expect(await failure(restart(await opened(hermes())))).toMatchObject({
        kind: 'failed',
        step: 'start',
        because: 'settings',
        message: 'its settings are broken: ezra ended with status 78, fix them first: no telegram token in config.yaml',
      })
    })

    it('that ends with another status is said to have ended', async () => {
      writeFileSync(join(home, 'ends'), '3')
      const error = await failure(restart(await opened(hermes())))
      expect(error).toMatchObject({ kind: 'failed', step: 'start', because: undefined })
      expect(error?.message).toBe('ezra ended at once with status 3: no telegram token in config.yaml')
    })

    it('whose program is not there fails and says so', async () => {
      expect(await failure(restart(await opened(hermes({ program: join(bin, 'nowhere') }))))).toMatchObject({
        step: 'start',
        message: `there is no program ${join(bin, 'nowhere')} to start ezra with`,
      })
    })

    it('without a log that is declared tells what it wrote last, and goes on in the same file', async () => {
      const link = await opened(hermes())
      expect((await failure(link.tail('ezra')))?.message).toBe(`there is no log of ezra in ${home}/logs yet`)
      mkdirSync(join(home, 'logs'))
      const [started, own] = ['towerwatch-start.log', 'agent.log'].map((name) => join(home, 'logs', name))
      writeFileSync(own ?? '', 'from its last life\n')
      utimesSync(own ?? '', 1_000_000, 1_000_000)
      writeFileSync(started ?? '', 'it ended\n')
      const first = await link.tail('ezra')
      expect(first).toMatchObject({ text: 'it ended\n', from: 'log' })
      writeFileSync(own ?? '', 'it lives\n')
      utimesSync(own ?? '', 4_000_000_000, 4_000_000_000)
      expect((await link.tail('ezra')).text).toBe('it lives\n')
      writeFileSync(started ?? '', 'it ended\nand more\n', { flag: 'r+' })
      expect((await link.tail('ezra', first.cursor)).text).toBe('and more\n')
    })

    it('tells in a dry run what it would do, and does nothing', async () => {
      const link = await opened(hermes())
      const { text } = await link.restart('ezra', 'stop-first', { ...order(), isDryRun: true }, () => {})
      expect(text).toContain('would be started: ')
      expect(text).toContain('gateway run --replace')
      expect(existsSync(join(home, 'calls'))).toBe(false)
    })
  })

  describe('a Hermes gateway with a unit', () => {
    /** A systemd that runs it as its unit says. */
    function systemd(state: { active?: string; status?: number; ended?: number; main?: number } = {}): void {
      const { active = 'active', status = 0, ended, main = 0 } = state
      program(
        'systemctl',
        `#!/bin/sh
case "$*" in
  *show*)
    main=${main}
    [ ! -e ${quoted(join(folder, 'main'))} ] || read -r main <${quoted(join(folder, 'main'))}
    printf 'LoadState=loaded\\nActiveState=${active}\\nMainPID=%s\\nExecMainStatus=${status}\\n' "$main"
    ${ended === undefined ? '' : `echo 'ExecMainExitTimestamp=@${ended}'`} ;;
  *restart*)
    echo "$*" >>${quoted(join(folder, 'orders'))}
    HERMES_HOME=${quoted(home)} setsid ${quoted(join(bin, 'hermes'))} gateway run >/dev/null 2>&1 </dev/null &
    echo $! >${quoted(join(folder, 'main'))} ;;
esac
`,
      )
    }

    it('is restarted by that, and is up once its pid file says so', async () => {
      systemd()
      const link = await opened(hermes())
      const { text } = await restart(link)
      expect(text).toBe(`ezra runs as pid ${gatewayPid()}`)
      expect(readFileSync(join(folder, 'orders'), 'utf8')).toBe('--user restart -- hermes-gateway.service\n')
      expect(readFileSync(join(home, 'calls'), 'utf8')).toBe('gateway run\n')
    })

    it('is alive for a restart by the watch while it starts and has written no pid file yet', async () => {
      const starting = spawn('sleep', ['600'], { stdio: 'ignore' })
      pids.push(starting.pid ?? 0)
      systemd({ active: 'activating', main: starting.pid ?? 0 })
      expect(await failure(restart(await opened(hermes()), 'only-dead'))).toMatchObject({
        kind: 'refused',
        message: `ezra is alive (pid ${starting.pid})`,
      })
      expect(existsSync(join(folder, 'orders'))).toBe(false)
    })

    it('that ended with 78 is not started again by the watch until its settings were written since', async () => {
      const config = join(home, 'config.yaml')
      writeFileSync(config, 'model: x\n')
      const ended = Math.floor(Date.now() / 1000) - 100
      utimesSync(config, ended - 50, ended - 50)
      systemd({ active: 'failed', status: 78, ended })
      const link = await opened(hermes(), { configs: [config] })
      expect(await failure(restart(link, 'only-dead'))).toMatchObject({ kind: 'failed', step: 'check', because: 'settings' })
      expect(existsSync(join(folder, 'orders'))).toBe(false)
      utimesSync(config, ended + 50, ended + 50)
      // It fails as before, but it was tried.
      await failure(restart(link, 'only-dead'))
      expect(existsSync(join(folder, 'orders'))).toBe(true)
      gatewayPid()
    })

    it('stops one that somebody started beside the unit, which would keep the unit from starting', async () => {
      const link = await opened(hermes())
      await restart(link)
      const beside = gatewayPid() ?? 0
      systemd()
      await restart(link)
      expect(isAlive(beside)).toBe(false)
      expect(gatewayPid()).not.toBe(beside)
    })
  })

  it('a unit without a log that is declared tells what the journal has of it, where there is one', async () => {
    const link = await opened({ kind: 'service', unit: 'ezra.service', scope: 'user' })
    program(
      'journalctl',
      `#!/bin/sh\n[ "$*" = '--user --unit=ezra.service --lines=60 --no-pager --output=cat' ] && printf 'one\\ntwo\\n'\n`,
    )
    expect(await link.tail('ezra')).toMatchObject({ text: 'one\ntwo', isCut: false })
    program('journalctl', '#!/bin/sh\necho "No journal files were opened" >&2\nexit 1\n')
    expect((await failure(link.tail('ezra')))?.message).toContain('has nothing of ezra.service')
  })

  describe('a launchd job', () => {
    const job: Body = { kind: 'launchd', label: 'org.example.agent', scope: 'user' }

    function launchd(pid: number | undefined, domain: 'gui' | 'user' = 'gui'): void {
      program(
        'launchctl',
        `#!/bin/sh
case $1 in
  print)
    case $2 in ${domain}/*/org.example.agent) ;; *) echo 'Could not find service' >&2; exit 113 ;; esac
    printf '%s = {\\n\\tactive count = 1\\n\\tstate = running\\n\\t\\tpid = 4\\n${pid === undefined ? '' : `\\tpid = ${pid}\\n`}}\\n' "$2" ;;
  kickstart) echo "$*" >>${quoted(join(folder, 'orders'))} ;;
esac
`,
      )
    }
    const uid = process.getuid?.()

    it('is seen by the pid that launchd states, and is kickstarted', async () => {
      const running = spawn('sleep', ['600'], { stdio: 'ignore' })
      pids.push(running.pid ?? 0)
      launchd(running.pid)
      const link = await opened(job)
      expect(await sight(link)).toMatchObject({ kind: 'alive', pid: running.pid })
      expect((await failure(restart(link, 'only-dead')))?.kind).toBe('refused')
      expect(await restart(link)).toEqual({ text: 'the job org.example.agent was restarted' })
      expect(readFileSync(join(folder, 'orders'), 'utf8')).toBe(`kickstart -k gui/${uid}/org.example.agent\n`)
    })

    it('that is dead is started without ending what may have come back meanwhile', async () => {
      launchd(undefined, 'user')
      const link = await opened(job)
      expect(await sight(link)).toEqual({ kind: 'gone' })
      await restart(link, 'only-dead')
      expect(readFileSync(join(folder, 'orders'), 'utf8')).toBe(`kickstart user/${uid}/org.example.agent\n`)
    })

    it('that launchd does not know is not called dead', async () => {
      program('launchctl', '#!/bin/sh\nexit 113\n')
      const link = await opened(job)
      expect(await sight(link)).toEqual({ kind: 'unknown' })
      expect((await failure(restart(link, 'only-dead')))?.kind).toBe('refused')
      expect((await failure(restart(link)))?.message).toBe('launchd has no job org.example.agent: load it first (launchctl bootstrap)')
    })
  })

  it('a process that stands still and does not end once it may go on is killed', async () => {
    const ready = join(folder, 'ready')
    const pidFile = join(folder, 'pid')
    const stubborn = join(bin, 'stubborn')
    writeFileSync(stubborn, `#!/bin/sh\ntrap '' TERM\n: >${quoted(ready)}\nwhile :; do sleep 0.1; done\n`, { mode: 0o755 })
    const link = await opened({ kind: 'process', start: [stubborn], pidFile, log: join(folder, 'log') }, { stopGraceMs: 500 })
    await restart(link)
    await until(() => existsSync(ready), { withinMs: 20_000, what: 'it ignores SIGTERM' })
    const before = Number(readFileSync(pidFile, 'utf8'))
    process.kill(before, 'SIGSTOP')
    const lines: string[] = []
    await restart(link, 'stop-first', lines)
    pids.push(Number(readFileSync(pidFile, 'utf8')))
    expect(lines.join('\n')).toContain('SIGKILL')
    expect(isAlive(before)).toBe(false)
  })
})

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}
