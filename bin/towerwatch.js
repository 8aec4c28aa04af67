#!/usr/bin/env node
// The command `towerwatch`. Runs on any Node from 18 on, and finds or installs a Node 24 for the program itself; whatever
// that has to say goes to stderr, because stdout may be JSON for somebody's script.
import { existsSync } from 'node:fs'
import module from 'node:module'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { findNode24 } from '../setup/node.mjs'

const itself = fileURLToPath(import.meta.url)
const root = path.dirname(path.dirname(itself))
const varDir = path.join(root, 'var')

// A checkout runs its source; Node strips no types below node_modules, so the installed package brings dist instead.
const source = path.join(root, 'src', 'cli.ts')
const isSource = existsSync(source) && !root.split(path.sep).includes('node_modules')
// What Node has made of the source is kept, where this user may write there: that takes two thirds off the start, and 45 MiB
// off the watch, because then nothing that strips types is loaded at all. Before anything else: what is loaded already is not kept.
module.enableCompileCache?.(path.join(varDir, 'compile-cache'))
// It is written at the end of a program; a watch may be killed after months.
setTimeout(() => module.flushCompileCache?.(), 20_000).unref()
// A crontab beats each minute: that is a program of its own, which loads much less.
const isBeat = process.argv[2] === 'beat'
const entry = isBeat ? path.join('shell', 'beat-entry') : 'cli'
const cli = path.join(root, isSource ? 'src' : 'dist', `${entry}.${isSource ? 'ts' : 'js'}`)

const node = findNode24({ root, varDir })
if (node === process.execPath) {
  await import(cli)
} else {
  process.env['TOWERWATCH_CALLER'] = String(process.ppid)
  const { handOver } = await import('../setup/hand-over.mjs')
  const { runCommand, setUpNode } = await import('../setup/steps.mjs')
  await runCommand(async () => handOver(node ?? (await setUpNode({ root, varDir })), [itself, ...process.argv.slice(2)]))
}
