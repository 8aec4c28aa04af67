import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { commandLine, minuteService, minuteTimer, watchUnit } from '../../../src/adapters/service/systemd-text.ts'
import { job, watchJob } from './job.ts'

/**
 * As systemd reads the value of ExecStart=: words are unquoted, then specifiers are put in, then variables, but none into the
 * first word. A second implementation, after systemd.syntax(7) and systemd.service(5); systemd-text.real.test.ts asks
 * systemd itself.
 */
function readByTheBook(value: string): string[] {
  const words: string[] = []
  let at = 0
  while (at < value.length) {
    if (value[at] === ' ') {
      at += 1
      continue
    }
    if (value[at] !== '"') throw new Error(`a word without quotes at ${at}`)
    let word = ''
    for (at += 1; value[at] !== '"'; at += 1) {
      if (at >= value.length) throw new Error('no closing quote')
      if (value[at] === '\\') {
        at += 1
        if (value[at] !== '\\' && value[at] !== '"') throw new Error(`an unknown escape \\${value[at]}`)
      }
      word += value[at]
    }
    at += 1
    if (at < value.length && value[at] !== ' ') throw new Error('a word goes on after its quote')
    words.push(word)
  }
  const specified = words.map((word) =>
    word.replace(/%(.?)/gsu, (_all, letter: string) => {
      if (letter !== '%') throw new Error(`a specifier %${letter}`)
      return '%'
    }),
  )
  return specified.map((word, index) =>
    index === 0
      ? word
      : word.replace(/\$(.?)/gsu, (_all, next: string) => {
          if (next !== '$') throw new Error(`a variable $${next}`)
          return '$'
        }),
  )
}

const word = fc.string({ unit: 'binary', maxLength: 30 }).filter((text) => !/[\p{Cc}\p{Surrogate}]/u.test(text))
const nasty = fc.string({
  unit: fc.constantFrom('%', '$', '"', "'", '\\', ' ', '{', '}', '%%', '$$', ';', '#', 'a', 'ü', '/'),
  maxLength: 12,
})

describe('the command line of a unit', () => {
  it('is read back as the very words that were given, whatever is in them', () => {
    fc.assert(
      fc.property(fc.oneof(word, nasty), fc.array(fc.oneof(word, nasty), { maxLength: 6 }), (program, args) => {
        expect(readByTheBook(commandLine([`/${program}`, ...args]))).toEqual([`/${program}`, ...args])
      }),
      { numRuns: Number(process.env['TOWERWATCH_RUNS'] ?? 3_000) },
    )
  })
})

describe('a unit', () => {
  it('of the watch ends it alone, never the agents it started, and never gives up', () => {
    const unit = watchUnit(watchJob(), 'user')
    expect(unit).toContain('\nExecStart="/opt/node/bin/node" "/opt/tower watch/cli.js" "run" "--config" "/fleet/fleet.yaml"\n')
    for (const line of ['KillMode=process', 'Restart=always', 'StartLimitIntervalSec=0', 'OOMPolicy=continue', 'WantedBy=default.target'])
      expect(unit).toContain(`\n${line}\n`)
    expect(unit).not.toContain('User=')
  })

  it('of the machine runs as a user and waits for the network', () => {
    const unit = watchUnit(watchJob({ user: 'agents' }), 'system')
    for (const line of ['User=agents', 'After=network-online.target', 'WantedBy=multi-user.target']) expect(unit).toContain(`\n${line}\n`)
  })

  it('sets nothing that would take sudo, ssh keys or tmux sockets from an agent', () => {
    const settings = watchUnit(watchJob({ user: 'agents' }), 'system')
      .split('\n')
      .filter((line) => /^[A-Z]\w+=/.test(line))
      .join('\n')
    expect(settings).not.toMatch(
      /NoNewPrivileges|PrivateTmp|ProtectHome|ProtectSystem|SystemCall|Restrict|LockPersonality|MemoryDeny|Capability/,
    )
  })

  it('of the deadman runs once, by a timer that follows no wall clock', () => {
    expect(minuteService(job())).toContain('\nType=oneshot\n')
    expect(minuteTimer(job())).toContain('\nOnUnitActiveSec=60\n')
    expect(minuteTimer(job())).not.toContain('OnCalendar')
  })
})
