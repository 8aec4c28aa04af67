/** Programs out of Debian packages, without installing them: that would start services, and change the machine. */
import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Unpacks a package into `folder`. Answers why that could not be done, in a sentence; undefined where it was. */
export async function unpackDebian(name: string, folder: string, say: (text: string) => void): Promise<string | undefined> {
  mkdirSync(folder, { recursive: true })
  try {
    say(`${name}: taking it out of its Debian package`)
    await download(name, folder)
    const file = readdirSync(folder).find((each) => each.startsWith(`${name}_`) && each.endsWith('.deb'))
    if (file === undefined) return `${name} was not found in the package lists`
    await run('dpkg-deb', ['-x', join(folder, file), folder])
    return undefined
  } catch (error) {
    return `${name} is not installed, and its package could not be fetched (${firstLine(error)}). Install it: apt-get install ${name}`
  }
}

async function download(name: string, folder: string): Promise<void> {
  const options = { cwd: folder, timeout: 120_000 }
  try {
    await run('apt-get', ['download', name], options)
  } catch (error) {
    // A fresh machine has no package lists yet.
    if (process.getuid?.() !== 0) throw error
    await run('apt-get', ['update'], options)
    await run('apt-get', ['download', name], options)
  }
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.split('\n').filter(Boolean).slice(0, 2).join(': ').slice(0, 300)
}
