/** Writes the wire and the operations for the plugin; with `--check` it only compares, and exits 1 where they differ. */
import { readFileSync, writeFileSync } from 'node:fs'
import { declarations } from '../src/operations/registry.ts'
import { printOperations, printProtocol } from '../src/protocol/print.ts'

const folder = new URL('../world/evennia_towerwatch/', import.meta.url)
const printed = { 'protocol.schema.json': printProtocol(), 'operations.json': printOperations(declarations()) }
const isCheck = process.argv.includes('--check')
for (const [name, text] of Object.entries(printed)) {
  const file = new URL(name, folder)
  if (!isCheck) writeFileSync(file, text)
  else if (readFileSync(file, 'utf8') !== text) {
    console.error(`world/evennia_towerwatch/${name} is not in step with src/: run npm run protocol:print`)
    process.exitCode = 1
  }
}
if (process.exitCode === undefined) console.log(`${isCheck ? 'in step' : 'printed'}: ${Object.keys(printed).join(', ')}`)
