import { expect, it } from 'vitest'
import { agentsPerHost, fleetOf, historyOf, stateFrame } from '../../bench/tower/fleet.ts'
import { watchMessages } from '../../src/protocol/messages.ts'

it('the fleet that the Tower is measured with is one that a watch could send', () => {
  const { hosts, agents } = fleetOf(1_000, 'round 1')
  expect(watchMessages.tower_state.safeParse(stateFrame('boot', 0, agents).data).error).toBeUndefined()
  const whole = { v: 1, id: 's-1', boot: 'boot', snapshot: 's', part: 1, parts: 1, hosts, agents }
  expect(watchMessages.tower_snapshot.safeParse(whole).error).toBeUndefined()
})

it('its history comes in parts that a watch could send, with every agent in one of them', () => {
  const fleet = fleetOf(450, 'round 1')
  const parts = historyOf(fleet)
  for (const part of parts)
    expect(watchMessages.tower_history.safeParse({ v: 1, boot: 'boot', history: 'h', ...part }).error).toBeUndefined()
  expect(parts.flatMap(({ agents }) => agents.map(({ id }) => id))).toEqual(fleet.agents.map(({ id }) => id))
})

it('each host has as many agents as a look is measured at', () => {
  const { hosts, agents } = fleetOf(1_000, 'round 1')
  expect(hosts.map(({ id }) => agents.filter(({ host }) => host === id).length)).toEqual(hosts.map(() => agentsPerHost))
})
