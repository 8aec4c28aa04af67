import process from 'node:process'
import { handOver } from './hand-over.mjs'
import { runCommand, setUp } from './steps.mjs'

// node setup/with-node.mjs SCRIPT [ARGUMENT...]: runs a script of this folder by Node 24, whatever Node this is.
await runCommand(async () => {
  const [script, ...args] = process.argv.slice(2)
  if (script === undefined) throw new Error('usage: node setup/with-node.mjs SCRIPT [ARGUMENT...]')
  const { node } = await setUp('shell')
  return handOver(node, [script, ...args])
})
