import { describe, expect, it } from 'vitest'
import { cpuMsOf, rssMibOf } from '../../bench/tower/usage.ts'

describe('the use of CPU', () => {
  it('is the time of a process and of the children it has waited for, whatever the process is called', () => {
    const stat = '42 (a ) (b) c) S 1 42 42 0 -1 4194560 1000 2000 0 0 11 22 33 44 20 0 1 0 12345 1000000 500'
    expect(cpuMsOf(stat)).toBe(1_100)
  })

  it('is not read out of anything else', () => {
    expect(() => cpuMsOf('42 (a) S 1')).toThrow(/no \/proc\/PID\/stat/)
  })
})

describe('the use of memory', () => {
  it('is the Rss of smaps_rollup', () => {
    expect(rssMibOf('5555-7fff ---p 00000000 00:00 0 [rollup]\nRss:              2048 kB\nPss:              1024 kB\n')).toBe(2)
  })

  it('is not read out of anything else', () => {
    expect(() => rssMibOf('Pss: 1024 kB\n')).toThrow(/no Rss/)
  })
})
