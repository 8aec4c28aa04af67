import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ensureHermes } from '../../setup/hermes.mjs'
import { whichProgram } from '../../setup/system.mjs'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'hermes-setup-'))
  mkdirSync(path.join(folder, 'setup/python'), { recursive: true })
  writeFileSync(path.join(folder, 'setup/python/hermes.txt'), 'hermes-agent==1\n')
  mkdirSync(path.join(folder, 'tools'))
  for (const program of ['mkdir', 'cp', 'touch', 'chmod']) symlinkSync(whichProgram(program) ?? '', path.join(folder, 'tools', program))
  vi.stubEnv('PATH', `${path.join(folder, 'bin')}:${path.join(folder, 'tools')}`)
  vi.stubEnv('PYENV_ROOT', path.join(folder, 'pyenv'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

/** Says its version, makes "virtual environments" of itself, and installs an empty `hermes`. */
function fakePython(name: string, version: string): void {
  const file = path.join(folder, 'bin', name)
  const answer = { version, level: 'final', implementation: 'CPython', python: file, venv: true }
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(
    file,
    `#!/bin/sh
echo "${name} $*" >>'${path.join(folder, 'calls')}'
case "$2" in
  -c) echo '${JSON.stringify(answer)}' ;;
  venv) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  pip) [ ! -e '${path.join(folder, 'pip-fails')}' ] && touch "\${0%/*}/hermes" ;;
esac
`,
  )
  chmodSync(file, 0o755)
}

const calls = (): string[] =>
  readFileSync(path.join(folder, 'calls'), 'utf8')
    .split('\n')
    .filter((line) => /-m (venv|pip)/.test(line))
const context = () => ({ root: folder, varDir: path.join(folder, 'var'), say: () => undefined })

test('Hermes is installed once, by the Python that most of its users have', async () => {
  fakePython('python3.14', '3.14.0')
  fakePython('python3.11', '3.11.9')
  fakePython('python3.12', '3.12.1')
  expect(await ensureHermes(context())).toBe(path.join(folder, 'var/hermes/bin/hermes'))
  expect(calls()[0]).toMatch(/^python3\.12 -m venv /)
  expect(calls()[1]).toContain(`-r ${path.join(folder, 'setup/python/hermes.txt')}`)
  await ensureHermes(context())
  expect(calls()).toHaveLength(2)
})

test('another version of it is installed anew', async () => {
  fakePython('python3.12', '3.12.1')
  await ensureHermes(context())
  writeFileSync(path.join(folder, 'setup/python/hermes.txt'), 'hermes-agent==2\n')
  await ensureHermes(context())
  expect(calls()).toHaveLength(4)
})

test('an install that fails is done again the next time', async () => {
  fakePython('python3.12', '3.12.1')
  writeFileSync(path.join(folder, 'pip-fails'), '')
  await expect(ensureHermes(context())).rejects.toThrow()
  expect(existsSync(path.join(folder, 'var/hermes/stamp'))).toBe(false)
  rmSync(path.join(folder, 'pip-fails'))
  await ensureHermes(context())
})

test('where there is only a Python that it does not run on, which ones it needs is said', async () => {
  fakePython('python3.14', '3.14.0')
  await expect(ensureHermes(context())).rejects.toMatchObject({ message: expect.stringContaining('3.11, 3.12, 3.13') })
})
