import { existsSync, statSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { run } from './command.mjs'
import { SetupError } from './progress.mjs'

/**
 * @typedef {{ any: string[], apt: string, brew: string }} Need  One of these programs must be there; else its package.
 */

/** @type {Need[]} What the Tower's demo fleet is made of. */
export const TO_RUN = [
  { any: ['tmux'], apt: 'tmux', brew: 'tmux' },
  { any: ['ssh'], apt: 'openssh-client', brew: 'openssh' },
  { any: ['ssh-keygen'], apt: 'openssh-client', brew: 'openssh' },
  { any: ['sshd'], apt: 'openssh-server', brew: 'openssh' },
]

/** @type {Need[]} What the tests walk into the Tower with, a second shell to try the gate in, a clock on the wall to set, a disk to slow down. */
export const TO_TEST = [
  ...TO_RUN,
  { any: ['busybox'], apt: 'busybox', brew: 'busybox' },
  { any: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'], apt: 'chromium', brew: 'chromium' },
  { any: ['tt++'], apt: 'tintin++', brew: 'tintin' },
  { any: ['lua5.1', 'luajit'], apt: 'lua5.1', brew: 'luajit' },
  { any: ['faketime'], apt: 'faketime', brew: 'libfaketime' },
  { any: ['strace'], apt: 'strace', brew: 'strace' },
]

/** sshd and its like are often not on an ordinary user's PATH, nor is what Debian takes for a game. */
const ALSO = ['/usr/sbin', '/usr/local/sbin', '/sbin', '/opt/homebrew/sbin', '/usr/games']

/**
 * Where a program is; undefined when it is nowhere.
 * @param {string} program
 * @param {string} [searchPath]
 * @returns {string | undefined}
 */
export function whichProgram(program, searchPath = process.env['PATH'] ?? '') {
  for (const folder of [...searchPath.split(':'), ...ALSO]) {
    const file = path.join(folder, program)
    if (folder !== '' && existsSync(file) && statSync(file).isFile()) return file
  }
  return undefined
}

/**
 * The packages to install for what is missing, each once.
 * @param {Need[]} needs
 * @param {(program: string) => string | undefined} [find]
 * @returns {{ apt: string[], brew: string[] }}
 */
export function missingSystemPackages(needs, find = (program) => whichProgram(program)) {
  const missing = needs.filter((need) => !need.any.some((program) => find(program)))
  return { apt: [...new Set(missing.map((need) => need.apt))], brew: [...new Set(missing.map((need) => need.brew))] }
}

/**
 * Sees to it that the system's programs are there: by apt where we may, else by one message that says what to install.
 *
 * @param {{ needs: Need[], varDir: string, say: (text: string) => void, signal?: AbortSignal | undefined }} options
 * @returns {Promise<string>}
 * @throws {SetupError}
 */
export async function ensureSystem({ needs, varDir, say, signal }) {
  const missing = missingSystemPackages(needs)
  if (missing.apt.length > 0) await installPackages({ ...missing, varDir, say, signal })
  const still = missingSystemPackages(needs)
  if (still.apt.length > 0) throw askFor(still)
  return needs.map((need) => need.any[0]).join(', ')
}

/**
 * @param {{ apt: string[], brew: string[], varDir: string, say: (text: string) => void, signal?: AbortSignal | undefined }} options
 * @throws {SetupError} one message with the exact command, where we may not install
 */
export async function installPackages({ apt, brew, varDir, say, signal }) {
  const aptGet = whichProgram('apt-get')
  if (process.platform !== 'linux' || aptGet === undefined || process.getuid?.() !== 0) throw askFor({ apt, brew })
  // dpkg refuses to work without the administrators' folders on PATH.
  const env = { ...process.env, PATH: [process.env['PATH'], ...ALSO].filter(Boolean).join(':'), DEBIAN_FRONTEND: 'noninteractive' }
  const options = { env, log: path.join(varDir, 'log', 'setup-system.log'), signal, remedy: commandFor({ apt, brew }) }
  // Nothing to do on most machines; where an earlier install was cut off, apt refuses to work until this has run.
  await run(['dpkg', '--configure', '-a'], options)
  say('apt-get update')
  await run([aptGet, '-o', 'DPkg::Lock::Timeout=120', 'update'], options)
  say(`apt-get install ${apt.join(' ')}`)
  await run([aptGet, '-o', 'DPkg::Lock::Timeout=120', 'install', '-y', '--no-install-recommends', ...apt], options)
  if (apt.includes('openssh-server') && existsSync('/run/systemd/system')) {
    // We need the program, not a machine that suddenly answers on port 22: Debian starts the service on installing.
    await run(['systemctl', 'disable', '--now', 'ssh.service', 'ssh.socket'], { ...options, remedy: 'look at `systemctl status ssh`' })
  }
}

/** @param {{ apt: string[], brew: string[] }} missing */
function askFor(missing) {
  return new SetupError(
    `these programs are missing: ${(process.platform === 'darwin' ? missing.brew : missing.apt).join(', ')}`,
    commandFor(missing),
  )
}

/** @param {{ apt: string[], brew: string[] }} missing */
function commandFor(missing) {
  const command =
    process.platform === 'darwin' ? `brew install ${missing.brew.join(' ')}` : `sudo apt-get install -y ${missing.apt.join(' ')}`
  return `${command}   (or the like), then run the same command again`
}
