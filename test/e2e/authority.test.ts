/** Who may do what, typed in the game: roles, dry runs, second persons; and that all of it stands in the audit. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Player } from '../support/player.ts'
import { until } from '../support/until.ts'
import { openStage, reborn, type Stage } from './stage.ts'

let stage: Stage
let keeper: Player
let visitor: Player
let founder: Player

beforeAll(async () => {
  stage = await openStage({ moreConfig: 'authority: { confirm: ["restart all"] }\n' })
  keeper = await stage.keeper()
  visitor = await stage.visitor()
  founder = await stage.superuser()
  await keeper.hears('Watch Room')
  await visitor.hears('Watch Room')
})

afterAll(async () => {
  await stage?.close()
})

const entries = () => stage.ledger((ledger) => ledger.audit({ limit: 200 })).reverse()

it('who may not is told so, and it stands in the audit with where he sat', async () => {
  visitor.send('restart bezalel')
  await visitor.hears(/You may not use restart here: it needs perm\(Builder\) \(the role operate\)\./)
  keeper.send('restart all')
  await keeper.hears(/You may not use restart for so many here: it needs perm\(Admin\)/)
  visitor.send('audit')
  await visitor.hears(/You may not use audit here/)
  await until(() => entries().length >= 3, { withinMs: 10_000, what: 'three refusals in the audit' })
  const { visitor: who, player } = stage.game.accounts
  expect(entries().map(({ event, operation, actor, via }) => [event, operation, actor.name, actor.from, via])).toEqual([
    ['refused', 'restart', who.account, 'telnet 127.0.0.1', 'tower'],
    ['refused', 'restart', player.account, 'telnet 127.0.0.1', 'tower'],
    ['refused', 'audit', who.account, 'telnet 127.0.0.1', 'tower'],
  ])
})

it('a dry run tells what would be done, and changes nothing', async () => {
  const { pid } = stage.agent('bezalel')
  keeper.send('restart bezalel --dry-run')
  await keeper.hears(/This was a dry run: nothing was changed\./)
  keeper.send('silence bezalel 1h new disk --dry-run')
  await keeper.hears(/No problem of bezalel would be told for 1 h: new disk\./)
  keeper.send('silences')
  await keeper.hears(/Nobody is silenced or in maintenance/)
  expect(stage.agent('bezalel').pid).toBe(pid)
  expect(
    entries()
      .slice(-4)
      .map(({ event, operation, isDryRun }) => [event, operation, isDryRun]),
  ).toEqual([
    ['begun', 'restart', true],
    ['ok', 'restart', true],
    ['begun', 'silence', true],
    ['ok', 'silence', true],
  ])
})

it('"restart all" waits for a second person, whom the watch can tell from the first', async () => {
  const { pid } = stage.agent('bezalel')
  const name = stage.game.accounts.superuser.account
  founder.send('restart all')
  await founder.hears(/restart: nothing was done yet, a second person is needed/)
  const code = /confirm ([A-Z0-9]{6})/.exec(await founder.hears(/restart all needs a second person, .*: confirm /))?.[1] ?? ''
  await keeper.hears(`${name} asks for restart all: a second person can type "confirm ${code}" within 2 min.`)
  founder.send(`confirm ${code}`)
  await founder.hears(/restart all was asked for by you: somebody else has to confirm it\./)
  keeper.send(`confirm ${code}`)
  await keeper.hears(/You may not use confirm here: it needs perm\(Admin\)/)
  expect(stage.agent('bezalel').pid).toBe(pid)

  founder.send(`perm/account ${stage.game.accounts.player.account} = Admin`)
  await founder.hears(/Permission 'Admin' given to/)
  keeper.send('confirm AAAAAA')
  await keeper.hears(/Nothing waits for that code/)
  keeper.send(`confirm ${code.toLowerCase()}`)
  await keeper.hears(/restarts? ended well/, 120_000)
  await reborn(stage, 'bezalel', pid)
  await founder.hears(/restart all, asked for by .* and confirmed by /, 20_000)

  const number = entries().find(({ event }) => event === 'waiting')?.number ?? 0
  const ofIt = entries().filter((entry) => entry.number === number)
  expect(ofIt.map(({ event }) => event).slice(0, 2)).toEqual(['waiting', 'begun'])
  expect(ofIt.at(-1)).toMatchObject({ actor: { name }, confirmedBy: { name: stage.game.accounts.player.account } })
  expect(entries().filter(({ partOf, event }) => partOf === number && event === 'begun')).toHaveLength(6)
})

it('all of it is shown in the game and in the shell, where the chain is found whole', async () => {
  keeper.send('audit bezalel')
  await keeper.hears(/^number +when +who +result +what/)
  await keeper.hears(/^\d+ .* refused +restart bezalel/)
  const head = /Its head is (\d+:[0-9a-f]{64})/
  const checked = await stage.shell('audit', '--verify')
  expect(checked).toMatchObject({ code: 0, out: expect.stringMatching(/^The audit is whole: \d+ entries\./) })
  const [, noted = ''] = head.exec(checked.out) ?? []
  keeper.send('ack 99999')
  await keeper.hears(/There is no incident #99999/)
  expect((await stage.shell('audit', '--head', noted)).code).toBe(0)
  expect(
    (
      await stage.shell(
        'audit',
        '--head',
        noted.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
      )
    ).code,
  ).toBe(1)
})
