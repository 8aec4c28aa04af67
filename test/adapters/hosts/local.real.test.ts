import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalHost } from '../../../src/adapters/hosts/local.ts'
import { type HostFixture, hostContract } from '../../contracts/host.ts'
import { programPath } from '../../support/programs.ts'

hostContract('a local child under dash', () => start([programPath('dash')]))

// No bound but the gate's own watchdog, and no base64.
hostContract(
  'a local child under bash with few tools',
  () => start([programPath('bash'), '--posix'], (folder) => fewTools(join(folder, 'tools'))),
  { hanging: ['ls', 'disk'] },
)

// Where the shell is busybox, the tools are, too: stat tells whole seconds, there is no getconf, df knows no -l.
hostContract(
  'a local child under busybox with its tools',
  async () => {
    const fixture = await start([programPath('busybox'), 'sh'], (folder) => busyboxTools(join(folder, 'tools')))
    return { ...fixture, sum: 'md5sum', ignoredSignals: '0000000000000006' }
  },
  { hanging: ['ls', 'service'] },
)

async function start(shell: [string, ...string[]], tools = async (_folder: string) => process.env['PATH'] ?? ''): Promise<HostFixture> {
  const folder = await mkdtemp(join(tmpdir(), 'tw-'))
  const programs = join(folder, 'bin')
  await mkdir(programs)
  const env = { PATH: `${programs}:${await tools(folder)}`, HOME: folder }
  return {
    folder,
    programs,
    host: (options) => createLocalHost('near', { ...options, shell, env }),
    stop: () => rm(folder, { recursive: true }),
  }
}

const gateTools = [
  ...[
    'awk',
    'cat',
    'chmod',
    'cp',
    'date',
    'df',
    'head',
    'id',
    'ln',
    'ls',
    'mkdir',
    'mkfifo',
    'mv',
    'nproc',
    'od',
    'readlink',
    'rm',
    'rmdir',
    'sha256sum',
    'sleep',
    'stat',
    'tail',
    'tr',
    'true',
  ],
  // Of the workers that the tests start.
  ...['grep', 'sh', 'touch'],
]

async function busyboxTools(folder: string): Promise<string> {
  const applets = [...gateTools, 'base64', 'env', 'md5sum', 'nc', 'setsid', 'timeout', 'wget']
  return folderOf(folder, { ...Object.fromEntries(applets.map((name) => [name, programPath('busybox')])), tmux: programPath('tmux') })
}

async function fewTools(folder: string): Promise<string> {
  const names = [...gateTools, 'cksum', 'env', 'getconf', 'perl', 'setsid', 'tmux']
  return folderOf(folder, Object.fromEntries(names.map((name) => [name, programPath(name)])))
}

async function folderOf(folder: string, programs: Record<string, string>): Promise<string> {
  await mkdir(folder)
  for (const [name, target] of Object.entries(programs)) await symlink(target, join(folder, name))
  return folder
}
