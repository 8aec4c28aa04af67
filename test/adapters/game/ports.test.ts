import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { choosePorts, isFree } from '../../../src/adapters/game/ports.ts'

const WANTED = { telnet: 4000, web: 4001, websocket: 4002, internalWeb: 4005, amp: 4006 }

test('ports that are free are kept', async () => {
  expect(await choosePorts(WANTED, Math.random, async () => true)).toBe(WANTED)
})

test('when one of them is taken all change, to numbers that are free', async () => {
  const chances = [0, 0.5]
  const taken = [4006, 20_002]
  const ports = await choosePorts(
    WANTED,
    () => chances.shift() ?? 0,
    async (port) => !taken.includes(port),
  )
  expect(ports).toEqual({ telnet: 25_000, web: 25_001, websocket: 25_002, internalWeb: 25_005, amp: 25_006 })
})

test('when nothing is free it says so and ends', async () => {
  await expect(choosePorts(WANTED, Math.random, async () => false)).rejects.toThrow('No free ports')
})

test('a port is free until somebody listens on it', async () => {
  const server = createServer()
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : 0)
    })
  })
  expect(await isFree(port)).toBe(false)
  await new Promise((resolve) => server.close(resolve))
  expect(await isFree(port)).toBe(true)
})
