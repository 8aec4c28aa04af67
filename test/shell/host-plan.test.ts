import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { HostConfig } from '../../src/config/config.ts'
import type { Body } from '../../src/ports/host.ts'
import { installSteps, piecesOf, removeSteps } from '../../src/shell/host-pieces.ts'
import { type Facts, readFacts } from '../../src/shell/host-script.ts'
import {
  accountOf,
  hasKeys,
  openLines,
  type SshHost,
  usualPlaces,
  type Wanted,
  wantedOf,
  withKeys,
  withoutKeys,
} from '../../src/shell/host-wanted.ts'
import { ShellError } from '../../src/shell/shell.ts'
import { agentConfig, fleetConfig } from '../support/fleet.ts'

const runs = Number(process.env['TOWERWATCH_RUNS'] ?? 1_000)
const ezra: SshHost = {
  ...{ id: 'ezra', name: 'Ezra', kind: 'ssh', address: 'ezra.example.org', user: 'agents', identity: '/keys/a', actIdentity: '/keys/b' },
  ...{ services: [], thresholds: {}, sockets: [], gate: 'installed' },
}
const timmy = (body: Body = { kind: 'command', start: ['/bin/true'] }) => agentConfig('timmy', { host: 'ezra', body })

function want(host: SshHost = ezra, agents = [timmy()]): Wanted {
  const config = fleetConfig(agents, { hosts: new Map<string, HostConfig>([['ezra', host]]) })
  const keys = [
    { role: 'probe' as const, text: 'ssh-ed25519 AAAAprobe' },
    { role: 'act' as const, text: 'ssh-ed25519 AAAAact' },
  ]
  return wantedOf(config, host, keys, 'the gate\n', usualPlaces)
}

const system: Body = { kind: 'service', unit: 'gitea.service', scope: 'system' }
const bare: Facts = {
  ...{ ranAs: 'root', account: 'missing', canMakeAccount: true, hasVisudo: true, isAccountOurs: false, otherLists: 0 },
  ...{ gate: undefined, list: undefined, sudoers: undefined, keys: undefined },
}
/** As an installation leaves it. */
function whole(wanted: Wanted): Facts {
  const owner = 'root'
  return {
    ...bare,
    account: { home: '/home/agents' },
    isAccountOurs: true,
    gate: { mode: '-rw-r--r--', owner, text: wanted.gateText },
    list: { mode: '-rw-r-----', owner, text: wanted.listText },
    sudoers: wanted.sudoersText === undefined ? undefined : { mode: '-r--r-----', owner, text: wanted.sudoersText },
    keys: { mode: '-rw-------', owner: 'agents', text: withKeys('', wanted) },
  }
}

describe('authorized_keys', () => {
  const wanted = want()
  const line = fc.oneof(
    fc.constantFrom(
      '# begin towerwatch other',
      '# end towerwatch other',
      'ssh-ed25519 AAAA me',
      '',
      ' # end towerwatch ezra',
      '# begin towerwatch ezra2',
    ),
    fc.string({ maxLength: 30 }).map((text) => text.replaceAll('\n', ' ')),
  )
  const text = fc.array(line, { maxLength: 8 }).map((lines) => lines.map((one) => `${one}\n`).join(''))

  it('has its other lines as they were, however often ours are put in and taken out', () => {
    fc.assert(
      fc.property(text, (before) => {
        fc.pre(!hasKeys(before, 'ezra'))
        const once = withKeys(before, wanted)
        expect(withKeys(once, wanted)).toBe(once)
        expect(withoutKeys(once, 'ezra')).toBe(before)
        expect(openLines(once, wanted)).toEqual([])
      }),
      { numRuns: runs },
    )
  })

  it('gets the newline that its last line lacks', () => {
    expect(withKeys('ssh-ed25519 AAAA me', wanted).split('\n').slice(0, 2)).toEqual(['ssh-ed25519 AAAA me', '# begin towerwatch ezra'])
  })

  it('is not guessed at where the end of our lines is missing', () => {
    expect(() => withKeys('# begin towerwatch ezra\nssh-ed25519 AAAA me\n', wanted)).toThrow(
      /no "# end towerwatch ezra": put it right by hand/,
    )
  })

  it('shows the lines that let our keys in otherwise', () => {
    const opens = `# ssh-ed25519 AAAAprobe\nssh-ed25519 AAAAact x\n${withKeys('', wanted)}from="*" ssh-ed25519 AAAAprobe\n`
    expect(openLines(opens, wanted)).toEqual([2, 7])
  })
})

describe('what is written', () => {
  it('has the key behind restrict, and a forced command with its role', () => {
    expect(want().keyLines[0]).toBe(
      'restrict,command="/bin/sh /usr/local/lib/towerwatch/gate.sh probe /etc/towerwatch/ezra.allow" ssh-ed25519 AAAAprobe towerwatch-probe@test',
    )
  })

  it('has sudo for the units of the system, and for no others', () => {
    const hermes: Body = { kind: 'hermes', home: '/h', program: '/h/bin', unit: 'hermes.service', scope: 'system' }
    const own: Body = { kind: 'service', unit: 'own.service', scope: 'user' }
    const bodies = [system, system, hermes, own].map((body, index) => agentConfig(`a${index}`, { host: 'ezra', body }))
    expect(want(ezra, bodies).sudoersText?.split('\n').slice(1, -1)).toEqual(
      ['gitea.service', 'hermes.service'].flatMap((unit) => [
        `agents ALL=(root) NOPASSWD: /usr/bin/systemctl restart -- ${unit}`,
        `agents ALL=(root) NOPASSWD: /bin/systemctl restart -- ${unit}`,
      ]),
    )
    expect(want(ezra, [timmy(own)]).sudoersText).toBeUndefined()
    expect(want({ ...ezra, user: 'root' }, [timmy(system)]).sudoersText).toBeUndefined()
  })

  it.each(['gitea service', 'a,b', 'x*', '-x', 'a\nroot ALL=(ALL) ALL'])('has no sudo for a unit called %j', (unit) => {
    expect(() => want(ezra, [timmy({ kind: 'service', unit, scope: 'system' })])).toThrow(/cannot be written into sudoers/)
  })

  it.each(['AGENTS', '%wheel', 'a b', '-r', '#0', 'a@b', ''])('has no account called %j', (user) => {
    expect(() => accountOf({ ...ezra, user })).toThrow(/is no name for an account/)
  })

  it('needs to be told as whom', () => {
    const { user: _, ...nobody } = ezra
    expect(() => accountOf(nobody)).toThrow(/add "user: agents" to the host ezra/)
  })

  it('is refused where the gate would not read so long a list', () => {
    const many = Array.from({ length: 3_000 }, (_, index) => agentConfig(`a${index}`, { host: 'ezra' }))
    expect(() => want(ezra, many)).toThrow(/allow-list of more than 262144 bytes/)
  })
})

describe('an installation', () => {
  const paths = (wanted: Wanted, facts: Facts) => installSteps(facts, wanted).map((step) => ('path' in step ? step.path : step.kind))

  it('lets nobody in before all the rest is there', () => {
    expect(paths(want(ezra, [timmy(system)]), bare)).toEqual([
      ...['account', '/etc/towerwatch/ezra.account', '/usr/local/lib/towerwatch/gate.sh', '/etc/towerwatch/ezra.allow'],
      ...['/etc/sudoers.d/towerwatch-ezra', 'keys'],
    ])
  })

  it('does nothing where all is there', () => {
    const wanted = want(ezra, [timmy(system)])
    expect(installSteps(whole(wanted), wanted)).toEqual([])
    expect(piecesOf(whole(wanted), wanted).every(({ state }) => state === 'as it would be written')).toBe(true)
  })

  it('mends what is owned by another', () => {
    const wanted = want()
    const facts = whole(wanted)
    expect(paths(wanted, { ...facts, list: { mode: '-rw-r-----', owner: 'agents', text: wanted.listText } })).toEqual([
      '/etc/towerwatch/ezra.allow',
    ])
  })

  it.each<[string, Partial<Facts>, RegExp]>([
    ['without the rights', { ranAs: 'admin' }, /that ran as admin, and needs the rights of root: see --as/],
    ['without sudo on the host', { hasVisudo: false }, /There is no sudo on ezra/],
    ['without a way to make the account', { canMakeAccount: false }, /neither useradd nor adduser/],
    [
      'where another fleet has its list',
      {
        list: {
          mode: '-rw-r-----',
          owner: 'root',
          text: '# towerwatch allow-list of ezra\n# What the watch of the fleet night may declare here.\n',
        },
      },
      /written for the fleet night: nothing was touched/,
    ],
  ])('is refused %s', (_what, more, told) => {
    expect(() => installSteps({ ...bare, ...more }, want(ezra, [timmy(system)]))).toThrow(told)
  })
})

describe('a removal', () => {
  const taken = (facts: Facts, withAccount = false) =>
    removeSteps(facts, want(), withAccount).map((step) => `${step.kind}${'path' in step ? ` ${step.path}` : ''}`)

  it('shuts the door first', () => {
    expect(taken(whole(want()))).toEqual([
      ...[
        'keys',
        'remove /etc/towerwatch/ezra.allow',
        'remove /usr/local/lib/towerwatch/gate.sh',
        'remove-folder /usr/local/lib/towerwatch',
      ],
    ])
  })

  it('leaves the gate to other hosts that are on the same machine', () => {
    expect(taken({ ...whole(want()), otherLists: 1 })).toEqual(['keys', 'remove /etc/towerwatch/ezra.allow'])
  })

  it('takes the account only where that is asked for, and only one that was made', () => {
    const facts = whole(want())
    expect(taken(facts, true).slice(-3)).toEqual(['remove-account', 'remove /etc/towerwatch/ezra.account', 'remove-folder /etc/towerwatch'])
    expect(() => taken({ ...facts, isAccountOurs: false }, true)).toThrow(/was there before/)
  })
})

describe('what a host says of itself', () => {
  const said = (...lines: string[]) => readFacts('ezra', [...lines, 'end'].map((line) => `towerwatch-host ${line}\n`).join('Welcome!\n'))
  const hex = (text: string) => Buffer.from(text).toString('hex')

  it('is read from among what start-up files say', () => {
    const facts = said(
      'ran-as root',
      `account ${hex('/home/agents')}`,
      `list -rw-r--r--. root ${hex('a list\n')}`,
      'gate missing',
      'other-lists 2',
    )
    expect(facts).toMatchObject({
      ranAs: 'root',
      account: { home: '/home/agents' },
      otherLists: 2,
      list: { mode: '-rw-r--r--', text: 'a list\n' },
    })
    expect([facts.gate, facts.hasVisudo]).toEqual([undefined, false])
  })

  it.each([
    ['not to its end', () => readFacts('ezra', 'towerwatch-host ran-as root\n'), /could not be read to its end/],
    ['of a link', () => said('account 2f', 'keys lrwxrwxrwx agents odd'), /The keys file on ezra is no plain file/],
    ['of no text', () => said('account 2f', 'keys -rw------- agents ff00ff'), /no text in UTF-8/],
    ['of an account that nobody can be', () => said('account '), /could not be looked into/],
  ])('is not gone by where it is %s', (_what, read, told) => {
    expect(read).toThrow(ShellError)
    expect(read).toThrow(told)
  })
})
