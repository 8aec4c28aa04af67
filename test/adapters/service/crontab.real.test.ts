/**
 * Our lines in a crontab, against a stand-in and, where this machine has one and it can be given a spool of its own, against
 * the real `crontab`: never with the crontab of whoever runs the tests.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Commands, systemCommands } from '../../../src/adapters/service/command.ts'
import { crontab, entry } from '../../../src/adapters/service/crontab.ts'
import { performStep } from '../../../src/adapters/service/steps.ts'
import type { Installer, Job } from '../../../src/ports/service.ts'
import { standIns } from '../../support/stand-ins.ts'
import { job } from './job.ts'

const spool = '/var/spool/cron/crontabs'

/** Runs the real one in a mount namespace of its own, in which the spool is a folder of the test's. */
function wrapReal(folder: string): string {
  const bin = join(folder, 'real')
  const own = join(folder, 'spool')
  mkdirSync(bin)
  mkdirSync(own)
  const script = `#!/bin/sh\nexec unshare --mount sh -c 'mount --bind "$0" ${spool} && exec /usr/bin/crontab "$@"' '${own}' "$@"\n`
  writeFileSync(join(bin, 'crontab'), script)
  chmodSync(join(bin, 'crontab'), 0o755)
  return bin
}

function hasReal(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'tw-cron-'))
  try {
    const { stderr } = spawnSync(join(wrapReal(folder), 'crontab'), ['-l'], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    })
    return stderr.startsWith('no crontab for')
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe.each(hasReal() ? ['a stand-in', 'the real crontab'] : ['a stand-in'])('the deadman in %s', (which) => {
  let folder: string
  let commands: Commands
  let cron: Installer
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tw-cron-'))
    commands = systemCommands({ PATH: which === 'a stand-in' ? standIns(folder, ['cron']).bin : `${wrapReal(folder)}:/usr/bin:/bin` })
    cron = crontab(commands)
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const list = async () => {
    const { code, stdout } = await commands.run(['crontab', '-l'])
    return code === 0 ? stdout : undefined
  }
  const put = async (text: string) => expect(await commands.run(['crontab', '-'], text)).toMatchObject({ code: 0 })
  const install = async (one: Job) => {
    for (const step of await cron.installSteps(one)) await performStep(step, commands)
  }
  const uninstall = async (one: Job) => {
    for (const step of await cron.removeSteps(one)) await performStep(step, commands)
  }

  it('is two lines where there was nothing, and nothing again afterwards', async () => {
    expect(await cron.status(job())).toMatchObject({ file: 'missing', isActive: false })
    await install(job())
    expect(await list()).toBe(entry(job()))
    expect(await cron.status(job())).toMatchObject({ file: 'as it would be written', isActive: true })
    expect(await cron.installSteps(job())).toEqual([])
    await uninstall(job())
    expect(await list()).toBeUndefined()
    expect(await cron.removeSteps(job())).toEqual([])
  })

  it.each<[string, string]>([
    ['lines of all kinds', 'MAILTO=me\n\n# a note\t \n*/5 * * * * /bin/a  b \\% c\n@daily /bin/true # towerwatch-deadman-00000000x\n'],
    ['bytes that are no UTF-8, and a bare carriage return', '# caf\xe9 \xff\xfe\n0 1 * * * echo a\rb\n'],
    ['five hundred lines', Array.from({ length: 500 }, (_, n) => `0 ${n % 24} * * * /bin/job ${n}\n`).join('')],
  ])('leaves %s as they are, byte for byte', async (_name, others) => {
    await put(others)
    const before = await list()
    await install(job())
    expect(await list()).toBe(`${before}${entry(job())}`)
    await install(job())
    expect(await list()).toBe(`${before}${entry(job())}`)
    await uninstall(job())
    expect(await list()).toBe(before)
  })

  it('is replaced where it differs, and one of another fleet stays', async () => {
    const other = job({ fleetFile: '/another/fleet.yaml' })
    await install(other)
    await install(job({ argv: ['/old/node', 'deadman'] }))
    expect((await cron.status(job())).file).toBe('differs')
    await install(job())
    expect(await list()).toBe(entry(other) + entry(job()))
    await uninstall(job())
    expect(await list()).toBe(entry(other))
  })

  it('takes nothing with it that only speaks of our line', async () => {
    const tag = /^# (\S+):/.exec(entry(job()))?.[1] ?? ''
    const others = `0 4 * * * /bin/backup # not # ${tag}, but beside it\n#${tag}: mine\n`
    await put(others)
    await install(job())
    await uninstall(job())
    expect(await list()).toBe(others)
  })

  it('takes nothing with it that somebody put below the comment in place of our line', async () => {
    await install(job())
    const [comment = ''] = entry(job()).split('\n')
    await put(`${comment}\n0 4 * * * /bin/backup\n`)
    await uninstall(job())
    expect(await list()).toBe('0 4 * * * /bin/backup\n')
  })

  it.each([
    ['a newline', 'a\nb', /newline or another control character/],
    ['a backslash', 'a\\b', /backslash.*--via systemd/],
    ['more bytes than cron takes', 'a'.repeat(1_000), /longer than the 990 bytes/],
  ])('refuses a path with %s, and touches nothing', async (_name, name, fault) => {
    await expect(install(job({ argv: ['/bin/node', `/x/${name}`] }))).rejects.toThrow(fault)
    expect(await list()).toBeUndefined()
  })
})

describe('the line in the crontab', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tw-cron-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  /** Vixie's cron (Debian, Red Hat, macOS) undoes a backslash before a percent sign; busybox' crond does nothing of the kind. */
  it.each(['Vixie', 'busybox'])('gives the program its very words, whatever is in their paths, as %s runs it', (cron) => {
    const nasty = [`/a b/%d %%/'q' "d" $HOME \`x\` ü;#&|*?~!/c`, '--config', '100%', '', '-']
    const program = join(folder, `pro gram's %`)
    writeFileSync(program, '#!/bin/sh\nprintf \'%s\\0\' "$@"\n')
    chmodSync(program, 0o755)
    const line = entry(job({ argv: [program, ...nasty] })).split('\n')[1] ?? ''
    expect(line.startsWith('* * * * * ')).toBe(true)
    const command = line.slice('* * * * * '.length)
    const { stdout, stderr } = spawnSync('/bin/sh', ['-c', cron === 'Vixie' ? vixie(command) : command], { encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(stdout.split('\0').slice(0, -1)).toEqual(nasty)
  })

  function vixie(command: string): string {
    const end = /(?<!\\)%/.exec(command)?.index ?? command.length
    return command.slice(0, end).replaceAll('\\%', '%')
  }
})
