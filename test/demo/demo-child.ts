/** A demo of its own process, for a test that kills it. argv: the var folder. */
import { startDemo } from '../../src/demo/stage.ts'
import { demoParts } from './parts.ts'

const varDir = process.argv[2]
if (varDir === undefined) throw new Error('usage: demo-child.ts VAR')
await startDemo({ root: varDir, varDir, print: () => {}, signal: new AbortController().signal }, demoParts(varDir))
