/**
 * Programs that the tests of `*.real.test.ts` and test/e2e run, and the Debian package each comes in. A program that is
 * missing fails the test that needs it: a suite that quietly tests less is worse than a red one.
 */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

const neededPrograms: Record<string, string> = {
  dash: 'dash',
  bash: 'bash',
  busybox: 'busybox',
  tmux: 'tmux',
  ssh: 'openssh-client',
  sftp: 'openssh-client',
  scp: 'openssh-client',
  'ssh-keygen': 'openssh-client',
  'ssh-agent': 'openssh-client',
  'ssh-add': 'openssh-client',
  sshd: 'openssh-server',
  'tt++': 'tintin++',
  'lua5.1': 'lua5.1',
  chromium: 'chromium',
  strace: 'strace',
  faketime: 'faketime',
}

/** sshd is seldom on the PATH of an ordinary user, nor is what Debian takes for a game. */
const alsoIn = ['/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/games']

/** Its absolute path; `otherNames` are those under which other systems have it. Throws, naming the package to install. */
export function programPath(program: string, ...otherNames: string[]): string {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...alsoIn]
  const path = [program, ...otherNames].flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable)
  if (!path) throw new Error(`These tests need ${program}. Install it: apt-get install ${neededPrograms[program] ?? 'coreutils'}`)
  return path
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return path.startsWith('/')
  } catch {
    return false
  }
}
