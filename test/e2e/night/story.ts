/** What happens in the night, in its order. Everybody's part is in cast.ts. */
import { killSshd } from '../../support/processes.ts'
import { until } from '../../support/until.ts'
import { reborn, type Stage } from '../stage.ts'
import type { Role } from './cast.ts'
import type { Recorder } from './recorder.ts'

export const FLEET_CHANGES = [
  // The two that die in one moment are told of together.
  { from: 'groupWait: 100ms, groupInterval: 100ms', to: 'groupWait: 1s, groupInterval: 100ms' },
  // On a busy machine a beat may be late, and nobody's lateness belongs to this night.
  { from: 'period: 4s', to: 'period: 30s' },
  { from: 'grace: 4s', to: 'grace: 30s' },
  // The watch by itself would bring them back before anybody could be told that they are gone.
  { from: 'policy: auto', to: 'policy: ask' },
]
export const MORE_CONFIG = 'authority: { confirm: ["restart bezalel"] }\n'

const everybody = () => true
const notQuiet = ({ verbosity }: Role) => verbosity !== 'quiet'

/** `watchIsBack` resolves once the game hears the watch again. */
export async function playNight(stage: Stage, { scene, types, hears, allHear }: Recorder, watchIsBack: () => Promise<void>): Promise<void> {
  const kill = (id: string) => process.kill(stage.agent(id).pid, 'SIGKILL')

  await scene('All is quiet', async () => {
    await types('keeper', 'look')
    await hears('keeper', /Allegro \(up\)/)
    await types('keeper', 'fleet')
    await hears('keeper', /^6 agents: 6 up\.$/)
    await types('keeper', 'incidents open')
    await hears('keeper', /no incident|nothing is open|No /i)
    await types('visitor', 'look')
    await hears('visitor', /Bezalel \(up\)/)
    await types('homer', 'fleet')
    await hears('homer', /6 up/)
    await types('sleeper', 'fleet')
    await hears('sleeper', /^6 agents: 6 up\.$/)
  })

  const { pid } = stage.agent('bezalel')
  await scene('Bezalel dies', async () => {
    kill('bezalel')
    await allHear(/bezalel is down/, everybody)
    await types('visitor', 'look bezalel')
    await hears('visitor', /^State: +down/)
  })

  await scene('The keeper says that he looks after it', async () => {
    await types('keeper', 'ack bezalel I have a look')
    await hears('keeper', /#1 \(bezalel\) is acknowledged/)
    await allHear(/looks after #1/, notQuiet)
  })

  await scene('The warden asks for a restart, which takes a second person', async () => {
    await types('warden', 'restart bezalel')
    const asked = /confirm ([A-Z0-9]{6})/.exec(await hears('warden', /restart bezalel needs a second person, .*: confirm /))
    await allHear(/asks for restart bezalel: a second person can type/, notQuiet)
    await types('keeper', `confirm ${asked?.[1]}`)
    await allHear(/bezalel is back up after/, everybody, 60_000)
    await reborn(stage, 'bezalel', pid)
    await hears('keeper', /bezalel is back: a beat of its new life/)
    await allHear(/restart bezalel, asked for by .* and confirmed by /, notQuiet)
  })

  await scene('Timmy and Code Claw die in one moment', async () => {
    for (const id of ['timmy', 'code-claw']) kill(id)
    await allHear(/2 agents are down/, everybody)
    for (const id of ['timmy', 'code-claw']) {
      await types('keeper', `restart ${id}`)
      await hears('keeper', new RegExp(`^${id} is back: a beat of its new life`), 60_000)
      await allHear(new RegExp(`back up.*${id} after|${id} is back up`), everybody, 60_000)
    }
  })

  await scene('The warden reloads the game', async () => {
    await stage.game.reload(undefined, () => types('warden', 'reload'))
    await allHear(/Server restarted/, everybody, 60_000)
    await watchIsBack()
    await types('homer', 'verbosity')
    await hears('homer', /^You hear all/)
  })

  await scene('Allegro dies under a silence', async () => {
    await types('keeper', 'silence allegro 10m a new disk')
    await hears('keeper', /This is silence 1/)
    const before = stage.agent('allegro').pid
    kill('allegro')
    const incident = () => stage.ledger((ledger) => ledger.incidents({ subject: 'allegro', limit: 1 }))[0]
    await until(() => incident() !== undefined, { withinMs: 60_000, what: 'an incident of allegro' })
    await types('keeper', 'restart allegro')
    await hears('keeper', /^allegro is back: a beat of its new life/, 60_000)
    await reborn(stage, 'allegro', before)
    await until(() => incident()?.closedMs !== undefined, { withinMs: 60_000, what: 'the incident of allegro to be closed' })
  })

  await scene('The host ezra is lost while the game is reloaded, and comes back', async () => {
    await stage.game.reload(() => killHost(stage, 'ezra'))
    await allHear(/Server restarted/, everybody, 60_000)
    await allHear(/host ezra is unreachable/, everybody, 60_000)
    await allHear(/host ezra is reachable again after/, everybody, 60_000)
    await watchIsBack()
  })

  await scene('In the morning', async () => {
    await types('keeper', 'incidents')
    await hears('keeper', /^#1 /)
    await types('keeper', 'uptime')
    await hears('keeper', /^Over 30 days/)
    await types('keeper', 'silences')
    await hears('keeper', /a new disk/)
    await types('keeper', 'audit')
    await hears('keeper', / restart +bezalel|restart bezalel/)
    await types('sleeper', 'fleet')
    await hears('sleeper', /^6 agents: /)
    await types('visitor', 'look')
    await hears('visitor', /Bezalel \(up\)/)
  })
}

/** Its sshd and all that it has started. */
function killHost(stage: Stage, id: string): void {
  const host = stage.info().hosts.find((each) => each.id === id)
  if (!host) throw new Error(`no host ${id}`)
  killSshd(host.sshdPid)
}
