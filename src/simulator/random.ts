/** Chance that can be played again: the same seed gives the same lives. */

export interface Random {
  /** In [0, 1). */
  next(): number
  /** A whole number in [from, to]. */
  whole(from: number, to: number): number
  /** True with this probability. */
  chance(probability: number): boolean
  /** One of them. Throws where there is none. */
  pick<T>(items: readonly T[]): T
}

/** `stream` gives each agent and host chance of its own: one more fault elsewhere does not change everybody's life. */
export function seededRandom(seed: number, stream = 0): Random {
  const next = mulberry32(mixed(seed >>> 0, stream >>> 0))
  return {
    next,
    whole: (from, to) => from + Math.floor(next() * (to - from + 1)),
    chance: (probability) => next() < probability,
    pick: (items) => {
      const item = items[Math.floor(next() * items.length)]
      if (item === undefined) throw new Error('there is nothing to pick from')
      return item
    },
  }
}

/** Tommy Ettinger's mulberry32 (public domain): 32 bits of state, good enough for simulations, and the same on every machine. */
function mulberry32(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The finaliser of MurmurHash3 over both: neighbouring seeds and streams must not give neighbouring sequences. */
function mixed(seed: number, stream: number): number {
  let bits = Math.imul(seed ^ Math.imul(stream + 1, 0x9e3779b1), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}
