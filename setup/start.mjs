import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { handOver } from './hand-over.mjs'
import { root } from './paths.mjs'
import { runCommand, setUp } from './steps.mjs'

// npm start: set-up, then the fleet of TOWERWATCH_CONFIG or of the fleet.yaml in this folder; without one, the demo.
await runCommand(async () => {
  const config = configFile()
  const { node } = await setUp(config !== undefined && namesATower(config) ? 'fleet' : 'tower')
  const command = config === undefined ? ['demo'] : ['run', '--config', config]
  return handOver(node, [path.join(root, 'bin', 'towerwatch.js'), ...command], { cwd: root })
})

/** @returns {string | undefined} */
function configFile() {
  const named = process.env['TOWERWATCH_CONFIG']
  if (named) return path.resolve(root, named)
  const here = path.join(root, 'fleet.yaml')
  return existsSync(here) ? here : undefined
}

/**
 * Whether a config has a Tower of its own, so that the bundled one is not needed. A look at the text is enough here: the
 * packages that can read YAML are not installed yet. A file that can't be read is for the watch to complain about.
 * @param {string} file
 */
function namesATower(file) {
  return existsSync(file) && /^(["']?)tower\1\s*:/m.test(readFileSync(file, 'utf8'))
}
