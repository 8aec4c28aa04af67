import path from 'node:path'
import process from 'node:process'
import { handOver } from './hand-over.mjs'
import { root } from './paths.mjs'
import { runCommand, setUp } from './steps.mjs'

// npm run bench -- NAME [--json]: set-up on stderr, then the benchmark; stdout is the benchmark's alone.
await runCommand(async () => {
  const { node } = await setUp('tower')
  return handOver(node, [path.join(root, 'bench', 'run.ts'), ...process.argv.slice(2)], { cwd: root })
})
