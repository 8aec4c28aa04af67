/** So many at a stretch: what is read and worked out of 30 days of one agent takes half a millisecond. */
const atOnce = 10

/** Does long work a few items in each turn of the event loop: the watch has beats to read in between. In order. */
export async function inPieces<Item, Result>(items: Iterable<Item>, work: (item: Item) => Result): Promise<Result[]> {
  const done: Result[] = []
  for (const item of items) {
    if (done.length > 0 && done.length % atOnce === 0) await new Promise((resolve) => setImmediate(resolve))
    done.push(work(item))
  }
  return done
}
