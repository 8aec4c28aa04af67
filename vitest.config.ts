import { defineConfig } from 'vitest/config'

// Three kinds of tests. `unit`: quick, no programs, in parallel. `real`: against real programs (sshd, tmux, Evennia);
// one file at a time, because several games at once on a small machine would only slow one another into time limits.
// `gate`: as real, but the gate and what it starts alone, which wait far more than they work: two files at a time.
const gateFiles = ['test/adapters/hosts/**/*.real.test.ts', 'test/security/corpus-*.real.test.ts']

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
          exclude: gateFiles,
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
