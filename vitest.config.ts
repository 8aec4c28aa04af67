import { defineConfig } from 'vitest/config'

// Three kinds of tests. `unit`: quick, no programs, in parallel. `real`: against real programs (sshd, tmux, Evennia);
// one file at a time, because several games at once on a small machine would only slow one another into time limits.
// `gate`: as real, but the gate and what it starts alone: two files at a time.
// `waiting`: as real, but without a game, and waiting for periods of minutes far more than working.
// The checks run `gate` and `waiting`, one file at a time, and then `real` (setup/check.mjs).
const gateFiles = ['test/adapters/hosts/**/*.real.test.ts', 'test/security/corpus-*.real.test.ts']
const waitingFiles = [
  'test/hands/{hanging,outcomes}.real.test.ts',
  'test/hermes/*.real.test.ts',
  'test/security/keys.real.test.ts',
  'test/shell/{deadman,doctor,host,host-script,run}.real.test.ts',
]

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.real.test.ts', 'test/e2e/**'],
          testTimeout: 20_000,
          hookTimeout: 20_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'real',
          globalSetup: ['test/support/state-home.ts'],
          include: ['test/**/*.real.test.ts', 'test/e2e/**/*.test.ts'],
          exclude: [...gateFiles, ...waitingFiles],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: 'waiting',
          globalSetup: ['test/support/state-home.ts'],
          include: waitingFiles,
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'gate',
          globalSetup: ['test/support/state-home.ts'],
          include: gateFiles,
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
