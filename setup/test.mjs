import { check } from './check.mjs'
import { runCommand, setUp } from './steps.mjs'

// npm test: set-up with what the tests need on top, then the checks. A Python that Evennia can't be installed for is told
// and counted as skipped, as long as there is one that works.
await runCommand(async () => {
  const { pythons } = await setUp('tests')
  return check({
    notTested: pythons.failed.map(({ minor, why }) => `Python ${minor}: Evennia could not be installed: ${why.split('\n').join(' ')}`),
  })
})
