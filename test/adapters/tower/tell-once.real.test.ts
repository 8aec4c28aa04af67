/** The deadman's one sentence in a real game, over both transports. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tellOnce } from '../../../src/adapters/tower/tell-once.ts'
import { telnetTransport } from '../../../src/adapters/tower/telnet.ts'
import { websocketTransport } from '../../../src/adapters/tower/websocket.ts'
import type { TowerTransport } from '../../../src/ports/tower-transport.ts'
import { startEvennia, type TestGame } from '../../support/evennia.ts'
import { playerAt } from '../../support/player.ts'
import { realClock } from '../../support/real-clock.ts'

let game: TestGame
beforeAll(async () => {
  game = await startEvennia()
})
afterAll(async () => {
  await game?.stop()
})

const transports: [string, () => TowerTransport][] = [
  ['websocket', () => websocketTransport({ url: game.websocketUrl })],
  ['telnet', () => telnetTransport({ host: '127.0.0.1', port: game.ports.telnet })],
]

describe.each(transports)('over %s', (name, transport) => {
  test('a player hears once that the watch is dead, however often it is told', async () => {
    const player = await playerAt(game.ports.telnet, game.accounts.player)
    const id = `watch-dead.${randomUUID()}`
    const text = `The watch is dead, says ${name} ${randomUUID()}.`
    const tell = () =>
      tellOnce({
        transport: transport(),
        account: { name: game.accounts.bridge.account, password: game.accounts.bridge.password },
        clock: realClock,
        introduction: { watch: '0.1.0', fleet: 'test', protocolHash: game.hashes.protocol, operationsHash: game.hashes.operations },
        alert: { id, kind: 'notice', subjects: [], incidents: [], at: Date.now(), text },
        timeoutMs: 15_000,
      })
    await tell()
    await player.hears(text)
    const heard = player.count(text)
    await tell()
    player.send('look')
    await player.hears(/Exits|room/i)
    expect(player.count(text)).toBe(heard)
    player.close()
  })

  test('a wrong password is a refusal, after which the deadman rests', async () => {
    const told = tellOnce({
      transport: transport(),
      account: { name: game.accounts.bridge.account, password: 'wrong' },
      clock: realClock,
      introduction: { watch: '0.1.0', fleet: 'test', protocolHash: game.hashes.protocol, operationsHash: game.hashes.operations },
      alert: { id: 'never', kind: 'notice', subjects: [], incidents: [], at: Date.now(), text: 'never' },
      timeoutMs: 15_000,
    })
    await expect(told).rejects.toMatchObject({ kind: 'refused' })
  })
})
