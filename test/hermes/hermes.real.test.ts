/** The real Hermes, killed and spoiled in the ways that were seen: noticed for what it is, brought back, and verified. */
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isAlive } from '../support/processes.ts'
import { until } from '../support/until.ts'
import { type HermesStage, openHermesStage, plainConfig } from './stage.ts'

/** Each goes on with the gateway that the one before left. */
describe('a real Hermes gateway', () => {
  let stage: HermesStage
  let pid: number

  beforeAll(async () => {
    stage = await openHermesStage()
    const { status, lines } = await stage.ask('restart', { agent: 'allegro' })
    expect(status, lines.join('\n')).toBe('ok')
    pid = await stage.pid()
  })
  afterAll(async () => {
    await stage.close()
  })

  /** What the watch did about it by itself, and that the agent is back by a gateway of another life. */
  async function broughtBack(known: number): Promise<{ lines: string[] }> {
    const { status, lines } = await stage.nextByTheWatch(known)
    expect(status, lines.join('\n')).toBe('ok')
    const next = await stage.pid(pid)
    expect(next).not.toBe(pid)
    pid = next
    await until(() => stage.state() === 'up' && stage.incidents()[0]?.closedMs !== undefined, { withinMs: 20_000, what: 'it is up again' })
    return { lines }
  }

  it('is started detached where there is no unit, with its output in a log of its own home', () => {
    expect(readFileSync(join(stage.home, 'logs', 'towerwatch-start.log'), 'utf8')).toContain('WARNING gateway.run: ')
    expect(stage.state()).toBe('up')
  })

  it('killed by -9, though its own files say that it runs, is dead and is brought back', async () => {
    const known = stage.byTheWatch().length
    process.kill(pid, 'SIGKILL')
    const { lines } = await broughtBack(known)
    expect(lines[0]).toMatch(/^allegro is back: a beat of its new life came after /)
    expect(stage.incidents()[0]?.cause).toContain('process-gone')
  })

  it('is not taken for the stranger who has the pid of its stale file, and the stranger is left alone', async () => {
    const stranger = spawn('sleep', ['600'], { stdio: 'ignore' })
    try {
      const known = stage.byTheWatch().length
      const file = join(stage.home, 'gateway.pid')
      const stale = readFileSync(file, 'utf8').replace(/"pid": *\d+/, `"pid": ${stranger.pid}`)
      process.kill(pid, 'SIGKILL')
      writeFileSync(file, stale)
      await broughtBack(known)
      expect(isAlive(stranger.pid ?? 0)).toBe(true)
      expect(pid).not.toBe(stranger.pid)
    } finally {
      stranger.kill('SIGKILL')
    }
  })

  it('whose YAML was broken is not started on defaults, but with its last good settings', async () => {
    expect(await stage.ask('keep-settings', { agent: 'allegro' })).toMatchObject({ status: 'ok' })
    const broken = 'model:\n  api_key: sk-a-key-that-nobody-may-see\n  fallback: [one, two\nnext: : x\n'
    writeFileSync(stage.config, broken)
    const known = stage.byTheWatch().length
    process.kill(pid, 'SIGKILL')
    const { lines } = await broughtBack(known)
    expect(lines.join('\n')).toMatch(
      /^allegro is back with its last good settings: .*config\.yaml: [0-9a-f]{8} was put aside, [0-9a-f]{8} is back/,
    )
    expect(readFileSync(stage.config, 'utf8')).toBe(plainConfig)
    expect(statSync(stage.config).mode & 0o777).toBe(0o640)
    const aside = readdirSync(stage.home).find((name) => name.startsWith('config.yaml.rejected-')) ?? ''
    expect(readFileSync(join(stage.home, aside), 'utf8')).toBe(broken)
    // Told to everybody, with both hashes and without what stood there.
    const told = stage.said('warn').find((text) => text.includes('last good settings')) ?? ''
    expect(told).toContain(aside.slice(-8))
    expect(JSON.stringify([stage.said('warn'), stage.said('info'), stage.byTheWatch()])).not.toContain('sk-a-key')
  })

  it('that ends with 78 because of its settings is said to, and comes back with its last good ones', async () => {
    const profile = join(stage.home, 'profiles', 'second')
    mkdirSync(profile, { recursive: true })
    writeFileSync(join(profile, 'config.yaml'), 'platforms:\n  whatsapp:\n    enabled: true\n    extra:\n      dm_policy: open\n')
    writeFileSync(stage.config, `${plainConfig}gateway:\n  multiplex_profiles: true\n`)
    const { status, lines, progress } = await stage.ask('restart', { agent: 'allegro' })
    expect(progress.join('\n')).toContain('its settings are broken: allegro ended with status 78, fix them first')
    expect(status, lines.join('\n')).toBe('ok')
    expect(lines.at(-1)).toContain('allegro is back with its last good settings')
    expect(readFileSync(stage.config, 'utf8')).toBe(plainConfig)
    pid = await stage.pid(pid)
  })

  it('that stands still is noticed by its silence, is not started a second time, and is brought back by a person', async () => {
    const known = stage.byTheWatch().length
    process.kill(pid, 'SIGSTOP')
    await until(() => stage.state() === 'down', { withinMs: 60_000, what: 'its silence is noticed' })
    expect(stage.incidents()[0]?.cause).toContain('silent')
    const { status, lines } = await stage.nextByTheWatch(known)
    expect(status).toBe('refused')
    expect(lines.join('\n')).toContain(`allegro is alive (pid ${pid}), but stands still: somebody stopped it (SIGSTOP)`)
    const asked = await stage.ask('restart', { agent: 'allegro' })
    expect(asked.progress.join('\n')).toContain(`pid ${pid} stands still (SIGSTOP)`)
    expect(asked.status, asked.lines.join('\n')).toBe('ok')
    expect(isAlive(pid)).toBe(false)
    pid = await stage.pid(pid)
    await until(() => stage.state() === 'up', { withinMs: 20_000, what: 'it is up again' })
  })
})
