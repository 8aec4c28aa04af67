/** The script for Mudlet, in a real Lua of Mudlet's version, with a stand-in for the Mudlet around it. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { programPath } from '../support/programs.ts'

const script = join(import.meta.dirname, '..', '..', 'docs', 'clients', 'tower.lua')
const standIn = join(import.meta.dirname, 'mudlet-stand-in.lua')

it('the script for Mudlet asks for the fleet, again before its time is over, draws who is in trouble first, and rings', () => {
  const said = execFileSync(programPath('lua5.1', 'luajit'), [standIn, script], { encoding: 'utf8' })
  expect(said.trimEnd().split('\n')).toEqual([
    'sent: Tower.Subscribe {}',
    // Once, although the script was loaded twice.
    'gmcp.Logged.In heard by 1',
    'timers: 240',
    'gmcp.Tower.Fleet heard by 1',
    '| <green>Bezalel            up         <reset> ########## forging',
    // What others wrote is neither a colour nor a format.
    '| <green><red>%s \\27[2J     up         <reset> #####..... 100% %d',
    '| <white>Newcomer           new        <reset> .......... ',
    'gmcp.Tower.Agent heard by 1',
    '| <red>Newcomer           down       <reset> .......... its pane is dead',
    '| <green>Bezalel            up         <reset> ########## forging',
    '| <green><red>%s \\27[2J     up         <reset> #####..... 100% %d',
    'rings',
    'gmcp.Tower.Alert heard by 1',
    'gmcp.Tower.Alert heard by 1',
    'sent: Tower.Subscribe {}',
    'timers: 240',
    'gmcp.Tower.Error heard by 1',
    '| <red>Newcomer           down       <reset> .......... its pane is dead',
    '| <green>Bezalel            up         <reset> ########## forging',
    '| <green><red>%s \\27[2J     up         <reset> #####..... 100% %d',
    '| it is told no more',
    'sysDisconnectionEvent heard by 1',
    'timers:',
  ])
})
