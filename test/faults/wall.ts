/** The machine's time in whole milliseconds, as files and the watch's ledger have it, unless somebody fakes theirs. */
export const wallMs = (): number => Math.floor(performance.timeOrigin + performance.now())
