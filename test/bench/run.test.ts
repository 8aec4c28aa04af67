import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const script = join(import.meta.dirname, '..', '..', 'bench', 'run.ts')

function bench(...argv: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...argv], (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }))
  })
}

it.each([
  { argv: ['nobody'], says: 'there is no benchmark "nobody"' },
  { argv: [], says: 'which benchmark?' },
  { argv: ['tower', 'nobody'], says: 'one benchmark at a time' },
  { argv: ['tower', '--jsn'], says: "Unknown option '--jsn'" },
])('called with $argv it ends with 2, says what is wrong and lists the benchmarks', async ({ argv, says }) => {
  const { code, stdout, stderr } = await bench(...argv)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain(says)
  expect(stderr).toMatch(/^ {2}tower /m)
})
