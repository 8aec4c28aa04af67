import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import {
  ensureTestPythons,
  ensureTowerPython,
  findPythons,
  minorOf,
  pythonCandidates,
  pythonEnv,
  requirementsFor,
} from '../../setup/python.mjs'
import { whichProgram } from '../../setup/system.mjs'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'python-'))
  for (const file of ['setup/python/evennia-5.txt', 'setup/python/evennia-6.txt', 'setup/python/checks.txt', 'world/pyproject.toml']) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
    writeFileSync(path.join(folder, file), '')
  }
  // A machine of its own: just these Pythons, and the two programs that they are made of.
  mkdirSync(path.join(folder, 'tools'))
  for (const program of ['mkdir', 'cp']) symlinkSync(whichProgram(program) ?? '', path.join(folder, 'tools', program))
  vi.stubEnv('PATH', `${path.join(folder, 'bin')}:${path.join(folder, 'tools')}`)
  vi.stubEnv('PYENV_ROOT', path.join(folder, 'pyenv'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

/** A stand-in for a Python: says its version, makes "virtual environments" of itself, and writes down what pip is asked. */
function fakePython(at: string, version: string, { venv = true } = {}): string {
  const file = path.join(folder, at)
  const answer = { version, level: 'final', implementation: 'CPython', python: file, venv }
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(
    file,
    `#!/bin/sh
echo "$*" >>'${calls()}'
case "$2" in
  -c) echo '${JSON.stringify(answer)}' ;;
  venv) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  pip) [ ! -e '${path.join(folder, 'pip-fails')}' ] ;;
esac
`,
  )
  chmodSync(file, 0o755)
  return file
}

function calls(): string {
  return path.join(folder, 'calls')
}

function context() {
  return { root: folder, varDir: path.join(folder, 'var'), say: () => undefined }
}

test.each([
  ['3.11.7', 'evennia-5.txt'],
  ['3.12.1', 'evennia-6.txt'],
  ['3.14.0', 'evennia-6.txt'],
  ['3.10.13', undefined],
  ['3.15.0', undefined],
  ['2.7.18', undefined],
])('Python %s gets %s', (version, requirements) => {
  expect(requirementsFor(minorOf(version) ?? '')).toBe(requirements)
})

test('a Python that is not a finished release is not used', () => {
  expect(minorOf('3.14.0rc1', 'candidate')).toBeUndefined()
})

test('Pythons are found on PATH and under pyenv, each program once', () => {
  const first = fakePython('bin/python3', '3.11.7')
  symlinkSync(first, path.join(folder, 'bin', 'python3.11'))
  const second = fakePython('pyenv/versions/3.12.1/bin/python3', '3.12.1')
  expect(pythonCandidates({ searchPath: path.join(folder, 'bin'), pyenv: path.join(folder, 'pyenv') })).toEqual([first, second])
})

test('of two Pythons of one version, the one that can make virtual environments is taken', async () => {
  const bare = fakePython('a/python3', '3.12.1', { venv: false })
  const whole = fakePython('b/python3', '3.12.4')
  const old = fakePython('c/python3', '3.9.1')
  expect(await findPythons({ candidates: [bare, whole, old, path.join(folder, 'missing')] })).toEqual([
    { minor: '3.12', python: whole, venv: true },
  ])
})

test('a set-up that was cut off in pip begins that environment anew, and one that is done asks no Python', async () => {
  fakePython('bin/python3', '3.11.7')
  writeFileSync(path.join(folder, 'pip-fails'), '')
  await expect(ensureTowerPython(context())).rejects.toThrow('python ended with exit code 1')
  const left = path.join(folder, 'var', 'python', '3.11', 'left-over')
  writeFileSync(left, '')

  rmSync(path.join(folder, 'pip-fails'))
  const venv = await ensureTowerPython(context())
  expect(venv.minor).toBe('3.11')
  expect(existsSync(left)).toBe(false)

  writeFileSync(calls(), '')
  expect(await ensureTowerPython(context())).toEqual(venv)
  expect(readFileSync(calls(), 'utf8')).toBe('')
})

test('other requirements, or a Python that was taken away, make the environment anew', async () => {
  fakePython('bin/python3', '3.11.7')
  const venv = await ensureTowerPython(context())
  for (const spoil of [
    () => writeFileSync(path.join(folder, 'setup/python/evennia-5.txt'), 'evennia==5.0.2\n'),
    () => rmSync(venv.python),
  ]) {
    spoil()
    writeFileSync(calls(), '')
    await ensureTowerPython(context())
    expect(readFileSync(calls(), 'utf8')).toContain('-m venv')
  }
})

test('the Tower stays with the Python its database was made by', async () => {
  fakePython('bin/python3', '3.11.7')
  expect((await ensureTowerPython(context())).minor).toBe('3.11')
  rmSync(path.join(folder, 'bin'), { recursive: true })
  fakePython('bin/python3', '3.13.0')
  fakePython('pyenv/versions/3.11.7/bin/python3', '3.11.7')
  writeFileSync(path.join(folder, 'world/pyproject.toml'), '# changed')
  expect((await ensureTowerPython(context())).minor).toBe('3.11')
})

test('the tests get an environment for each line of Evennia, with its newest Python, and the linter in one of them', async () => {
  fakePython('bin/python3', '3.11.7')
  for (const version of ['3.12.1', '3.13.0']) fakePython(`pyenv/versions/${version}/bin/python3`, version)
  const { venvs, failed } = await ensureTestPythons(context())
  expect(venvs.map((venv) => venv.minor)).toEqual(['3.13', '3.11'])
  expect(failed).toEqual([])
  expect(readFileSync(calls(), 'utf8')).toContain('checks.txt')
})

test('where Evennia can not be installed for the newest Python, the next one of its line is taken, and the reason told', async () => {
  fakePython('bin/python3', '3.12.1')
  const newest = fakePython('pyenv/versions/3.13.0/bin/python3', '3.13.0')
  writeFileSync(newest, readFileSync(newest, 'utf8').replace(`[ ! -e '${path.join(folder, 'pip-fails')}' ]`, 'exit 1'))
  const { venvs, failed } = await ensureTestPythons(context())
  expect(venvs.map((venv) => venv.minor)).toEqual(['3.12'])
  expect(failed).toEqual([{ minor: '3.13', why: expect.stringContaining('python ended with exit code 1') }])
})

test('when Evennia can be installed for no Python, the reason is told', async () => {
  fakePython('bin/python3', '3.11.7')
  writeFileSync(path.join(folder, 'pip-fails'), '')
  await expect(ensureTestPythons(context())).rejects.toThrow('python ended with exit code 1')
})

test('nothing of the caller changes what our Python imports or where pip installs', () => {
  expect(pythonEnv({ PYTHONPATH: '/x', VIRTUAL_ENV: '/v', PIP_TARGET: '/t', PIP_CERT: '/c', HOME: '/h' })).toEqual({
    PIP_CERT: '/c',
    HOME: '/h',
  })
})
