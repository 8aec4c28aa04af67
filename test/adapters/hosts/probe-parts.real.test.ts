/** What the gate reads out of /proc, under each shell and its awk, from files made for it. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { gateScript } from '../../../src/adapters/hosts/gate-script.ts'
import { programPath } from '../../support/programs.ts'

const gate = new URL('../../../src/adapters/hosts/gate/', import.meta.url).pathname

const shells: [string, () => [string, ...string[]], () => string][] = [
  ['dash', () => [programPath('dash')], () => programPath('awk')],
  ['bash', () => [programPath('bash')], () => programPath('awk')],
  ['busybox', () => [programPath('busybox'), 'sh'], () => programPath('busybox')],
]

describe.each(shells)('under %s', (_, shell, awk) => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tw-parts-'))
    mkdirSync(join(folder, 'bin'))
    symlinkSync(awk(), join(folder, 'bin', 'awk'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  function run(script: string, env: Record<string, string> = {}): string {
    const [program, ...first] = shell()
    const head = `set -fu; nl='\n'; tab=$(printf '\\t'); LC_ALL=C; export LC_ALL; for part in answers processes services top probe; do . ${gate}$part.sh; done\n`
    const path = `${join(folder, 'bin')}:${process.env['PATH']}`
    return execFileSync(program, [...first, '-c', head + script], {
      cwd: folder,
      env: { PATH: path, HOME: folder, ...env },
      encoding: 'utf8',
    })
  }

  describe('who uses most', () => {
    /** As in /proc: up for 1000 s, 100 ticks a second. */
    function stat(pid: number, name: string, { state = 'S', ticks = 0, began = 0, pages = 1 } = {}, file = String(pid)): string {
      const fields = Array.from({ length: 50 }, () => '0')
      fields[0] = state
      fields[11] = String(Math.floor(ticks / 2))
      fields[12] = String(Math.ceil(ticks / 2))
      fields[19] = String(began)
      fields[21] = String(pages)
      const path = join(folder, file)
      writeFileSync(path, `${pid} (${name}) ${fields.join(' ')}\n`)
      return path
    }
    const top = (files: string[], env: Record<string, string> = {}) =>
      run(`awk "$stat_awk$top_awk" ${files.join(' ')}`, {
        gate_up: '1000.00',
        gate_ticks: '100',
        gate_page: '4096',
        gate_before: '',
        gate_wanted: '',
        ...env,
      }).split('\n')

    it('is told by memory and by CPU since each began, five each', () => {
      const files = Array.from({ length: 8 }, (_none, index) =>
        stat(100 + index, `p${index}`, { pages: index, ticks: index * 10_000, began: 0 }),
      )
      const lines = top(files)
      expect(lines.slice(0, 5)).toEqual([7, 6, 5, 4, 3].map((index) => `top-memory 10${index} ${index * 4096} p${index}`))
      expect(lines.slice(5, 10)).toEqual([7, 6, 5, 4, 3].map((index) => `top-cpu 10${index} ${index * 10}.0 p${index}`))
      expect(lines.at(-1)).toMatch(/^done 1000\.00 101:0=10000 /)
    })

    it('counts CPU since the last probe, and of a process with a pid that was used before from its own beginning', () => {
      const files = [
        stat(7, 'old', { ticks: 60_500, began: 100 }),
        stat(8, 'again', { ticks: 500, began: 99_000 }),
        stat(9, 'fresh', { ticks: 100, began: 99_800 }),
      ]
      const lines = top(files, { gate_before: '990.00 7:100=60000 8:500=90000' })
      expect(lines.filter((line) => line.startsWith('top-cpu'))).toEqual([
        'top-cpu 7 50.0 old',
        'top-cpu 8 50.0 again',
        'top-cpu 9 50.0 fresh',
      ])
    })

    it('takes any name of a program, leaves out the dead, and files that are gone', () => {
      const files = [
        stat(1, 'a) S 1 (b', { pages: 9 }),
        stat(2, 'two\nlines', { pages: 8 }),
        stat(3, '\u001b[31m\u00fc', { pages: 7 }),
        stat(4, 'dead', { state: 'Z', pages: 99 }),
        join(folder, 'gone'),
        stat(5, '', { pages: 6 }),
        stat(6, '%s $(id) `id`', { pages: 5 }),
      ]
      writeFileSync(join(folder, '99'), 'no such form')
      expect(top([...files, join(folder, '99')]).filter((line) => line.startsWith('top-memory'))).toEqual([
        'top-memory 1 36864 a) S 1 (b',
        'top-memory 2 32768 two lines',
        'top-memory 3 28672 ?[31m??',
        'top-memory 5 24576 ',
        'top-memory 6 20480 %s $(id) `id`',
      ])
    })

    it('calls a Node by its program, for it calls itself MainThread', () => {
      mkdirSync(join(folder, '77'))
      const node = stat(77, 'MainThread', {}, '77/stat')
      writeFileSync(join(folder, '77', 'cmdline'), '/usr/bin/node\0server.js\0')
      expect(top([node, stat(78, 'MainThread')], { gate_wanted: 'web node\n' })).toEqual([
        'top-memory 77 4096 node',
        'top-memory 78 4096 MainThread',
        'service web up it runs as pid 77',
        'done 1000.00',
      ])
    })

    it('finds the processes that are declared, by the fifteen letters that the kernel keeps', () => {
      const files = [
        stat(10, 'gitea'),
        stat(11, 'gitea-web'),
        stat(12, 'a-very-long-nam'),
        ...[20, 21, 22, 23, 24].map((pid) => stat(pid, 'worker')),
      ]
      const wanted = 'git gitea\nlong a-very-long-name-of-a-program\nmany worker\nnone gite\n'
      expect(top(files, { gate_wanted: wanted }).filter((line) => line.startsWith('service'))).toEqual([
        'service git up it runs as pid 10',
        'service long up it runs as pid 12',
        'service many up it runs as pid 20 21 22 and 2 more',
        'service none down there is no process of that name',
      ])
    })
  })

  describe('the mounts', () => {
    const mounts = (text: string, owing = '') => {
      writeFileSync(join(folder, 'mounts'), text)
      const script = `has_proc=yes mounts_file=${folder}/mounts owing="$nl${owing}"; out=; find_mounts; printf '%s--%s' "$out" "$mounts"`
      const [said = '', asked = ''] = run(script).split('--')
      return { said: said.trimEnd().split('\n'), asked: asked.trim().split('\n') }
    }

    it('are those that hold something, each device once', () => {
      const { said, asked } = mounts(
        [
          'proc /proc proc rw 0 0',
          'tmpfs /run tmpfs rw 0 0',
          'overlay / overlay rw 0 0',
          '/dev/vda1 /data ext4 rw 0 0',
          '/dev/vda1 /etc/hosts ext4 rw 0 0',
          '/dev/loop3 /snap/core squashfs ro 0 0',
          '/dev/sr0 /media/cd iso9660 ro 0 0',
          'nas:/export /mnt/with\\040two\\040blanks nfs4 rw 0 0',
          '/dev/vdb /mnt/odd\\012name ext4 rw 0 0',
          'tank/home /home zfs rw 0 0',
          'overlay /var/lib/docker/x/merged overlay rw 0 0',
          '//nas/share /mnt/*$(id) cifs rw 0 0',
          '',
        ].join('\n'),
      )
      const expected = ['/', '/data', '/mnt/with two blanks', '/home', '/mnt/*$(id)']
      expect(said).toEqual(expected.map((path) => `mount ${path}`))
      expect(asked).toEqual(expected)
    })

    it('that owe an answer are said to hang, and are not asked again', () => {
      const { said, asked } = mounts('/dev/a / ext4 rw 0 0\nnas:/b /mnt/b nfs rw 0 0\n', '/mnt/b\n')
      expect(said).toEqual(['mount /', 'mount /mnt/b', 'hung /mnt/b'])
      expect(asked).toEqual(['/'])
    })

    it('are sixty-four at most', () => {
      const { said } = mounts(Array.from({ length: 90 }, (_none, index) => `/dev/d${index} /m${index} ext4 rw 0 0\n`).join(''))
      expect(said).toHaveLength(64)
    })
  })

  it('a reboot is wanted where a file says so, or the modules of the kernel that runs are gone', () => {
    const asked = () =>
      run(`has_proc=yes run_dir=${folder}/run modules_dir=${folder}/modules out=; look_at_reboot; printf %s "$out"`).trim()
    expect(asked()).toBe('')
    mkdirSync(join(folder, 'modules', '1.2.3-none'), { recursive: true })
    expect(asked()).toBe('reboot wanted')
    mkdirSync(join(folder, 'modules', execFileSync('uname', ['-r'], { encoding: 'utf8' }).trim()))
    expect(asked()).toBe('reboot no')
    mkdirSync(join(folder, 'run'))
    writeFileSync(join(folder, 'run', 'reboot-required'), '')
    expect(asked()).toBe('reboot wanted')
  })

  it.each([
    ['a service without an end', ['V:gitea', 'v:tcp', 'w:127.0.0.1']],
    ['a kind that is not known', ['V:gitea', 'v:shell', 'w:id']],
    ['an id that is an option', ['V:-rf', 'v:process', 'w:gitea']],
    ['a value that is an option', ['V:gitea', 'v:process', 'w:-e']],
    ['a command in a value', ['V:gitea', 'v:http', 'w:http://a/$(id)']],
    ['a quote in a value', ['V:gitea', 'v:http', "w:http://a/'"]],
    ['a blank in a value', ['V:gitea', 'v:process', 'w:a b']],
    ['another scheme', ['V:gitea', 'v:http', 'w:file:///etc/passwd']],
    ['a port of words', ['V:gitea', 'v:tcp', 'w:a', 'w:b']],
    ['a scope that is not known', ['V:gitea', 'v:unit', 'w:a.service', 'w:root']],
    ['two of one name', ['V:gitea', 'v:process', 'w:a', 'V:gitea', 'v:process', 'w:b']],
    ['a value of nobody', ['w:a']],
    ['more than a host has', Array.from({ length: 151 }, (_none, index) => [`V:s${index}`, 'v:process', 'w:a']).flat()],
  ])('a declaration with %s is refused', async (_what, lines) => {
    const nonce = 'abc'
    const input = [`${nonce} 1 declare ${lines.length}`, ...lines, ''].join('\n')
    const [program, ...first] = shell()
    const script = join(folder, 'gate.sh')
    writeFileSync(script, await gateScript())
    const said = execFileSync(program, [...first, script, nonce], {
      input,
      env: { PATH: process.env['PATH'] ?? '', HOME: folder },
      encoding: 'utf8',
    })
    expect(said).toMatch(/abc 1 refused \d+\n/)
  })
})
