/** Ids that could not be typed: where they stand in a command they are read as something else. */

type List = 'agents' | 'hosts'

interface Taken {
  /** As the end of `"all" …`. */
  why: string
  where: readonly List[]
}

const words: Readonly<Record<string, Taken>> = {
  all: { why: 'stands for everybody, as in "restart all"', where: ['agents', 'hosts'] },
  open: { why: 'is what "incidents open" takes for those that are open', where: ['agents', 'hosts'] },
  stop: { why: 'is what ends "watch"', where: ['agents'] },
}

/** Why an agent or a host may not be called so, and what to do; undefined where it may. */
export function takenWord(id: string, list: List): string | undefined {
  const why = whyTaken(id, list)
  return why && `"${id}" ${why}: give this ${list === 'agents' ? 'agent' : 'host'} another id ("name" may stay)`
}

function whyTaken(id: string, list: List): string | undefined {
  // Another incident would be acknowledged. And YAML makes another number of one like 007 or 1e3.
  if (/^[0-9]+$/.test(id)) return `would be the number of an incident, as in "ack ${id}"`
  const taken = Object.hasOwn(words, id) ? words[id] : undefined
  return taken?.where.includes(list) ? taken.why : undefined
}
