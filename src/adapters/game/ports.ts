import { createServer } from 'node:net'
import { HOST, type Ports } from './place.ts'

const TRIES = 50

/** Below the range that systems take outgoing connections from, so that none of those can be in the way later. */
const RANGE = { from: 20_000, count: 10_000 }

/** Whether nobody listens on a port of this machine. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host: HOST, port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/**
 * Ports that are free: the wanted ones if all of them are, else others, together.
 * @param random a number from 0 up to 1
 * @throws when none are found
 */
export async function choosePorts(
  wanted: Ports,
  random: () => number = Math.random,
  free: (port: number) => Promise<boolean> = isFree,
): Promise<Ports> {
  if (await allFree(wanted, free)) return wanted
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const base = RANGE.from + 10 * Math.floor((random() * RANGE.count) / 10)
    const ports = { telnet: base, web: base + 1, websocket: base + 2, internalWeb: base + 5, amp: base + 6 }
    if (await allFree(ports, free)) return ports
  }
  throw new Error(`No free ports for the Tower between ${RANGE.from} and ${RANGE.from + RANGE.count}. Stop what occupies them.`)
}

async function allFree(ports: Ports, free: (port: number) => Promise<boolean>): Promise<boolean> {
  for (const port of Object.values(ports)) if (!(await free(port))) return false
  return true
}
