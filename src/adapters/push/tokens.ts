/** Who may post for which agent. Tokens are compared by their digests, in constant time. */
import { hash, timingSafeEqual } from 'node:crypto'
import type { Poster } from '../../ports/beat-source.ts'

export interface Tokens {
  /** Whether this `Authorization` is that of the agent. Takes as long for an agent that there is not. */
  fit(agent: string, authorization: string | undefined): boolean
}

export function tokensOf(posters: ReadonlyMap<string, Poster>): Tokens {
  const digests = new Map([...posters].map(([id, { token }]) => [id, digest(Buffer.from(token.reveal(), 'utf8'))]))
  // Whoever asks for an agent that there is not is compared with this, which no digest equals.
  const nobody = Buffer.alloc(32)
  return {
    fit: (agent, authorization) => {
      const given = /^bearer +(\S.*)$/i.exec(authorization ?? '')?.[1] ?? ''
      // Node reads headers byte by byte, so the bytes of a token beyond ASCII are put together again.
      return timingSafeEqual(digest(Buffer.from(given, 'latin1')), digests.get(agent) ?? nobody)
    },
  }
}

function digest(bytes: Buffer): Buffer {
  return hash('sha256', bytes, 'buffer')
}
