import { expect, test } from 'vitest'
import { missingSystemPackages, TO_RUN, TO_TEST, whichProgram } from '../../setup/system.mjs'

test('nothing is missing when one of each alternative is there', () => {
  const here = ['tmux', 'ssh', 'ssh-keygen', 'sshd', 'busybox', 'google-chrome', 'tt++', 'lua5.1', 'faketime', 'strace']
  expect(missingSystemPackages(TO_TEST, (program) => (here.includes(program) ? `/usr/bin/${program}` : undefined))).toEqual({
    apt: [],
    brew: [],
  })
})

test('a package that brings two missing programs is asked for once', () => {
  expect(missingSystemPackages(TO_RUN, (program) => (program === 'tmux' ? '/usr/bin/tmux' : undefined))).toEqual({
    apt: ['openssh-client', 'openssh-server'],
    brew: ['openssh'],
  })
})

test('programs for administrators are found without their folders on PATH', () => {
  expect(whichProgram('sh', '')).toBeUndefined()
  expect(whichProgram('sh', '/nowhere:/bin')).toBe('/bin/sh')
})
