import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Commands, systemCommands } from '../../../src/adapters/service/command.ts'
import { launchd, plist, plistFolder } from '../../../src/adapters/service/launchd.ts'
import { performStep, sayStep } from '../../../src/adapters/service/steps.ts'
import { systemd, unitFolder } from '../../../src/adapters/service/systemd.ts'
import { type Job, ServiceError, type ServiceManager, type Step } from '../../../src/ports/service.ts'
import { type StandIns, standIns } from '../../support/stand-ins.ts'
import { job, watchJob } from './job.ts'

let folder: string
let stand: StandIns
let commands: Commands
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tw-manager-'))
  stand = standIns(folder, ['systemd', 'launchd'])
  commands = systemCommands({ PATH: stand.bin, HOME: folder })
})
afterEach(() => rmSync(folder, { recursive: true }))

const make: Record<'systemd' | 'launchd', () => ServiceManager> = {
  systemd: () => systemd({ scope: 'user', folder: unitFolder('user', {}, folder), userName: 'tester', commands }),
  launchd: () => launchd({ scope: 'user', folder: plistFolder('user', folder), uid: 501, commands }),
}
const perform = async (steps: Step[]) => {
  for (const step of steps) await performStep(step, commands)
}

describe.each(['systemd', 'launchd'] as const)('%s', (kind) => {
  let manager: ServiceManager
  beforeEach(() => {
    manager = make[kind]()
  })

  describe.each<[string, () => Job]>([
    ['the watch', watchJob],
    ['the deadman', job],
  ])('with %s', (_name, jobOf) => {
    it('installs it so that it is there, switched on and running; a second time there is nothing to do', async () => {
      expect(await manager.status(jobOf())).toMatchObject({ file: 'missing', isEnabled: false, isActive: false })
      await perform(await manager.installSteps(jobOf()))
      expect(await manager.status(jobOf())).toMatchObject({ file: 'as it would be written', isEnabled: true, isActive: true })
      expect(await manager.installSteps(jobOf())).toEqual([])
    })

    it('writes it anew and starts it again where it differs', async () => {
      await perform(await manager.installSteps(jobOf()))
      const { path } = await manager.status(jobOf())
      const was = readFileSync(path, 'utf8')
      const moved = { ...jobOf(), argv: ['/elsewhere/node', 'run'] as const, description: 'moved' }
      const before = stand.orders().length
      await perform(await manager.installSteps(moved))
      expect(stand.orders().slice(before).join('\n')).toMatch(/restart|bootstrap/)
      expect(readFileSync(path, 'utf8')).not.toBe(was)
      await perform(await manager.installSteps(jobOf()))
      expect(readFileSync(path, 'utf8')).toBe(was)
    })

    it('removes it without a trace; a second time there is nothing to do', async () => {
      await perform(await manager.installSteps(jobOf()))
      const { path } = await manager.status(jobOf())
      await perform(await manager.removeSteps(jobOf()))
      expect(existsSync(path)).toBe(false)
      expect(await manager.status(jobOf())).toMatchObject({ file: 'missing', isEnabled: false, isActive: false })
      expect(await manager.removeSteps(jobOf())).toEqual([])
    })

    it('neither overwrites nor removes what somebody else has written, nor what is another fleet’s', async () => {
      const { path } = await manager.status(jobOf())
      mkdirSync(join(path, '..'), { recursive: true })
      for (const text of ['[Service]\nExecStart=/mine\n', await ofAnotherFleet(jobOf())]) {
        writeFileSync(path, text)
        await expect(manager.installSteps(jobOf())).rejects.toThrow(/was not written by Towerwatch for this fleet/)
        await expect(manager.removeSteps(jobOf())).rejects.toThrow(ServiceError)
        expect(readFileSync(path, 'utf8')).toBe(text)
      }
    })

    async function ofAnotherFleet(one: Job): Promise<string> {
      const steps = await manager.installSteps({ ...one, fleetFile: '/another/fleet.yaml' })
      const [first] = steps
      if (first?.kind !== 'write') throw new Error('expected a file first')
      return first.text
    }

    it('refuses a path with a newline', async () => {
      const bad = { ...jobOf(), argv: ['/bin/node', '/x/a\nExecStart=/evil'] as const }
      await expect(manager.installSteps(bad)).rejects.toThrow(/holds a newline or another control character/)
    })
  })

  it('restarts by argv, without waiting for the start', () => {
    expect(manager.restartStep('towerwatch.service').argv).toEqual(
      kind === 'systemd'
        ? ['systemctl', '--user', '--no-block', 'restart', 'towerwatch.service']
        : ['launchctl', 'kickstart', '-k', 'gui/501/towerwatch'],
    )
  })
})

describe('systemd for a user', () => {
  it('says that it runs only while he is logged in, until he lingers', async () => {
    const manager = make.systemd()
    expect((await manager.status(watchJob())).hints).toEqual([expect.stringContaining('type: loginctl enable-linger tester')])
    await perform(await manager.installSteps(watchJob()))
    expect((await manager.status(watchJob())).hints).toEqual([])
    expect(stand.orders()).toEqual([
      'systemctl --user daemon-reload',
      'systemctl --user enable towerwatch.service',
      'systemctl --user start towerwatch.service',
      'loginctl enable-linger tester',
    ])
  })

  it('finds its folder where systemd looks', () => {
    expect(unitFolder('user', {}, '/home/a')).toBe('/home/a/.config/systemd/user')
    expect(unitFolder('user', { XDG_CONFIG_HOME: '/cfg' }, '/home/a')).toBe('/cfg/systemd/user')
    expect(unitFolder('system', { XDG_CONFIG_HOME: '/cfg' }, '/home/a')).toBe('/etc/systemd/system')
  })

  it('refuses a program that systemd would not run', async () => {
    await expect(make.systemd().installSteps(watchJob({ argv: ['/a"b/node'] }))).rejects.toThrow(/quote or a backslash/)
  })
})

describe('a plist', () => {
  it('holds what XML would take for its own as text', () => {
    const text = plist(watchJob({ argv: ['/a&b/<node>', '--x', ']]>'] }))
    expect(text).toContain('<string>/a&amp;b/&lt;node&gt;</string>')
    expect(text).toContain('<string>]]&gt;</string>')
    expect(text).toContain('<key>AbandonProcessGroup</key>')
  })
})

describe('a step', () => {
  it('is printed as a person would do it by hand', () => {
    expect(sayStep({ kind: 'run', argv: ['crontab', '-'], input: 'a\n' })).toBe('run crontab -, with this on its input:\n    a')
    expect(sayStep({ kind: 'run', argv: ['x', "it's here"] })).toBe(`run x 'it'\\''s here'`)
    expect(sayStep({ kind: 'write', path: '/u', text: 'a\nb\n' })).toBe('write /u:\n    a\n    b')
    expect(sayStep({ kind: 'remove', path: '/u' })).toBe('remove /u')
  })

  it('that fails says what the program said; a tolerated one goes on', async () => {
    const step = { kind: 'run', argv: ['systemctl', '--user', 'fly'] } as const
    await expect(performStep(step, commands)).rejects.toThrow('systemctl --user fly: Unknown command verb fly.')
    expect(await performStep({ ...step, tolerated: true }, commands)).toContain('Unknown command verb')
  })

  it('of a program that is not there, or does not end, is a ServiceError', async () => {
    await expect(performStep({ kind: 'run', argv: ['no-such-program'] }, commands)).rejects.toThrow(
      'There is no no-such-program on this machine.',
    )
    const impatient = systemCommands({ PATH: '/bin:/usr/bin' }, 50)
    await expect(impatient.run(['sleep', '60'])).rejects.toThrow('sleep did not end within 0.05 s')
  })

  it('that can’t write says where and why', async () => {
    writeFileSync(join(folder, 'file'), '')
    await expect(performStep({ kind: 'write', path: join(folder, 'file', 'x'), text: '' }, commands)).rejects.toThrow(
      /file\/x can't be written: E/,
    )
  })
})
