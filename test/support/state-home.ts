/** What gates note about the orders of a test, and keep for its agents, goes with the tests, and not into the home of who runs them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'tw-state-'))
  process.env['XDG_STATE_HOME'] = folder
  return () => rmSync(folder, { recursive: true, force: true })
}
