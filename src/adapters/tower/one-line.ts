/** Text from outside, fit for a log line or a reason: no control or direction-changing characters, at most `max` long. */
export function oneLine(text: string, max: number): string {
  const clean = text
    .slice(0, max * 4)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Surrogate}\s]+/gu, ' ')
    .trim()
  return clean.length > max ? `${clean.slice(0, max - 1).replace(/\p{Surrogate}$/u, '')}…` : clean
}
