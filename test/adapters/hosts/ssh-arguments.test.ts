import { describe, expect, it } from 'vitest'
import { explainEnd, sshArguments } from '../../../src/adapters/hosts/ssh.ts'

describe('the command line of ssh', () => {
  const options = { address: '192.0.2.7', port: 2201, user: 'root', identity: '/keys/id 100%', knownHosts: '/keys/known' }

  it('asks nobody, learns no key, shares no connection, and has the address after --', () => {
    const words = sshArguments('ezra', options)
    expect(words.slice(-2)).toEqual(['--', '192.0.2.7'])
    expect(words).toEqual(
      expect.arrayContaining([
        '-T',
        'BatchMode=yes',
        'StrictHostKeyChecking=yes',
        'UserKnownHostsFile="/keys/known"',
        'GlobalKnownHostsFile=none',
        'IdentitiesOnly=yes',
        'IdentityFile="/keys/id 100%%"',
        'ControlMaster=no',
        'ControlPath=none',
        'ServerAliveInterval=2',
        'ServerAliveCountMax=2',
        'ConnectTimeout=10',
      ]),
    )
  })

  it("leaves to the user's config what the fleet does not say", () => {
    const text = sshArguments('ezra', { address: 'ezra-by-alias' }).join(' ')
    expect(text).not.toMatch(/IdentityFile|IdentitiesOnly|UserKnownHostsFile|-l |-p |-F /)
    expect(text).toContain('StrictHostKeyChecking=yes')
  })
})

describe('why a connection ended', () => {
  const end = { code: 255, signal: null, greeted: false }
  const kindOf = (stderr: string, more = {}) => explainEnd('ezra', 'ssh', { ...end, stderr, ...more }).kind

  it('is told from what ssh says, each line as ssh writes it', () => {
    expect(kindOf('Host key verification failed.\r\n')).toBe('host-key')
    expect(
      kindOf('No ED25519 host key is known for [127.0.0.1]:2 and you have requested strict checking.\nHost key verification failed.\n'),
    ).toBe('host-key')
    expect(kindOf('root@127.0.0.1: Permission denied (publickey).\n')).toBe('auth')
    expect(kindOf('Received disconnect from 127.0.0.1 port 22:2: Too many authentication failures\n')).toBe('auth')
    expect(kindOf('ssh: connect to host 127.0.0.1 port 1: Connection refused\n')).toBe('unreachable')
    expect(kindOf('ssh: Could not resolve hostname ezra: Name or service not known\n')).toBe('unreachable')
    expect(kindOf('')).toBe('unreachable')
  })

  it('is not told from what a start-up file of the host says', () => {
    expect(kindOf('/etc/profile: Permission denied (sorry)\n', { code: 1 })).toBe('gate')
    expect(kindOf('sh: not found\n', { code: 127 })).toBe('gate')
    expect(kindOf('Host key verification failed.\n', { greeted: true })).toBe('unreachable')
  })

  it('is said in one clean line', () => {
    const { message } = explainEnd('ezra', 'ssh', { ...end, stderr: `\u001b[2J${'x'.repeat(9_000)}\n` })
    expect(message.length).toBeLessThan(400)
    expect(message).not.toMatch(/\p{C}/u)
  })
})
