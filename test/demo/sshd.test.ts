import { expect, test } from 'vitest'
import { knownHostLine, sshdConfig } from '../../src/demo/sshd.ts'

const options = { address: '127.0.0.2', port: 2201, hostKey: '/v/host_key', authorizedKeys: '/v/keys', path: '/usr/bin:/bin', pam: false }

test('it listens on its loopback address alone, and lets in keys alone', () => {
  const config = sshdConfig(options).split('\n')
  expect(config.filter((line) => line.startsWith('ListenAddress'))).toEqual(['ListenAddress 127.0.0.2:2201'])
  expect(config).toEqual(
    expect.arrayContaining(['PasswordAuthentication no', 'KbdInteractiveAuthentication no', 'PermitRootLogin prohibit-password']),
  )
})

test('a folder with a space or a percent sign in its name is named as sshd reads it', () => {
  const config = sshdConfig({ ...options, hostKey: '/my var/host_key', authorizedKeys: '/100%/my keys' })
  expect(config).toContain('HostKey "/my var/host_key"\n')
  expect(config).toContain('AuthorizedKeysFile "/100%%/my keys"\n')
})

test('a host key is pinned together with its port, but for the usual one', () => {
  const key = 'ssh-ed25519 AAAAC3Nz towerwatch demo host ezra'
  expect(knownHostLine('127.0.0.2', 2201, key)).toBe('[127.0.0.2]:2201 ssh-ed25519 AAAAC3Nz')
  expect(knownHostLine('127.0.0.2', 22, key)).toBe('127.0.0.2 ssh-ed25519 AAAAC3Nz')
})
