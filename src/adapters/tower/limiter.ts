/**
 * At most `count` frames in any window of `windowMs`. Evennia drops what goes beyond 80 a second, with a line of text for
 * each; staying far below leaves room for what a reload holds back and then releases at once.
 */
export interface Limiter {
  /** When the next frame may go; `now` or earlier means at once. */
  freeAt(): number
  sent(now: number): void
}

export function frameLimiter(count: number, windowMs: number): Limiter {
  const sentAt: number[] = []
  return {
    freeAt: () => (sentAt.length < count ? Number.NEGATIVE_INFINITY : (sentAt[0] ?? 0) + windowMs),
    sent: (now) => {
      sentAt.push(now)
      if (sentAt.length > count) sentAt.shift()
    },
  }
}
