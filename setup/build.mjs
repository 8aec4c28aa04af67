import { copyFileSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { run } from './command.mjs'
import { root } from './paths.mjs'
import { filesIn } from './stamp.mjs'

// npm run build: src -> dist, for the packed package (Node strips no types below node_modules).
const source = path.join(root, 'src')
const dist = path.join(root, 'dist')
await run([process.execPath, path.join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', path.join(root, 'tsconfig.build.json')], {
  cwd: root,
})
for (const file of filesIn(source).filter((name) => !name.endsWith('.ts'))) {
  mkdirSync(path.dirname(path.join(dist, file)), { recursive: true })
  copyFileSync(path.join(source, file), path.join(dist, file))
}
