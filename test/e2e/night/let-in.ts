/** Before the night: accounts for all, everybody logged in, in his place, with his settings. */
import { setTimeout as wait } from 'node:timers/promises'
import type { GameAccount, TestGame } from '../../support/evennia.ts'
import { until } from '../../support/until.ts'
import type { Role } from './cast.ts'
import type { Player } from './recorder.ts'
import type { House, Seat } from './seats.ts'

/** The game takes two new connections a second. */
const betweenMs = 600

/** The superuser, who is one of the roles, makes the accounts of those whom a test game does not have. */
export async function letIn(game: TestGame, house: House, roles: readonly Role[]): Promise<Player[]> {
  const { superuser, player, visitor } = game.accounts
  const accounts = new Map([superuser, player, visitor].map((account) => [account.account, account]))
  const warden = await house.open('websocket', superuser)
  for (const { name } of roles) {
    if (!accounts.has(name)) accounts.set(name, await makeAccount(warden, { account: name, password: player.password }))
  }
  await answered(warden, `perm/account ${player.account} = Admin`, /Permission 'Admin' given to/)

  const players: Player[] = []
  for (const role of roles) {
    const account = accounts.get(role.name)
    if (!account) throw new Error(`no account ${role.name}`)
    await wait(betweenMs)
    const seat = account === superuser ? warden : await house.open(role.program, account)
    players.push({ role, seat })
    if (role.screenReader === 'on') await answered(seat, 'option SCREENREADER = on', /SCREENREADER.*True/i)
    await answered(seat, `verbosity ${role.verbosity}`, /^You hear /)
    if (role.place === 'nowhere') await answered(seat, 'ooc', /You go OOC/)
    else if (role.place !== 'Watch Room') await answered(seat, role.place, new RegExp(`^(Host )?${role.place}`))
  }
  return players
}

/** Somebody who takes no part: he asks whether the game hears the watch. */
export async function letInUsher(game: TestGame, house: House): Promise<() => Promise<void>> {
  const account = { account: 'usher', password: game.accounts.player.password }
  const warden = await house.open('websocket', game.accounts.superuser)
  await makeAccount(warden, account)
  await warden.close()
  await wait(betweenMs)
  const usher = await house.open('telnet', account)
  await answered(usher, 'ooc', /You go OOC/)
  return async () => {
    const isBack = async () => {
      const seen = (await usher.read()).length
      await usher.type('towerwatch')
      await wait(250)
      return (await usher.read()).slice(seen).some((line) => /^The watch .* is connected since/.test(line))
    }
    await until(isBack, { withinMs: 60_000, what: 'the game to hear the watch' })
  }
}

async function makeAccount(warden: Seat, account: GameAccount): Promise<GameAccount> {
  const call = `Account.create(username="${account.account}", password="${account.password}")`
  await answered(warden, `py from typeclasses.accounts import Account; print(${call})`, new RegExp(`^\\(${account.account}\\(account#`))
  return account
}

async function answered(seat: Seat, line: string, answer: RegExp): Promise<void> {
  const before = (await seat.read()).length
  let lines: readonly string[] = []
  await seat.type(line)
  await until(
    async () => {
      lines = (await seat.read()).slice(before)
      return lines.some((each) => answer.test(each))
    },
    { withinMs: 30_000, what: () => `${answer} after "${line}":\n${lines.join('\n')}` },
  )
}
