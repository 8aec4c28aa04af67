/** Ids that could not be typed: where they stand in a command they are read as something else. */

interface Taken {
  /** As the end of `"all" …`. */
  why: string
  of: readonly ('agents' | 'hosts')[]
}

const words: Readonly<Record<string, Taken>> = {
  all: { why: 'stands for everybody, as in "restart all"', of: ['agents', 'hosts'] },
  open: { why: 'is what "incidents open" takes for those that are open', of: ['agents', 'hosts'] },
  stop: { why: 'is what ends "watch"', of: ['agents'] },
}

/** Why an agent or a host may not be called so, and what to do; undefined where it may. */
export function takenWord(id: string, of: 'agents' | 'hosts'): string | undefined {
  const why = whyTaken(id, of)
  return why && `"${id}" ${why}: give this ${of === 'agents' ? 'agent' : 'host'} another id ("name" may stay)`
}

function whyTaken(id: string, of: 'agents' | 'hosts'): string | undefined {
  // Another incident would be acknowledged. And YAML makes another number of one like 007 or 1e3.
  if (/^[0-9]+$/.test(id)) return `would be the number of an incident, as in "ack ${id}"`
  const taken = Object.hasOwn(words, id) ? words[id] : undefined
  return taken?.of.includes(of) ? taken.why : undefined
}
