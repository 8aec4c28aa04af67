/** What is new in what an agent writes, as lines that can be shown to a person. Pure. */

/** One line of outside text made plain: nothing that nobody sees, moves a cursor or turns the writing round; cut to `width`. */
export function plainLine(text: string, width: number): string {
  const plain = text
    .slice(0, 20_000)
    // Colours and the like, titles of windows, and what is left of them.
    .replace(/\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]*[0-~])/g, '')
    .replace(/\t/g, '    ')
    .replace(/\p{Cf}|\p{Cs}|\p{Cn}/gu, '')
    .replace(/\p{Cc}|\p{Zl}|\p{Zp}/gu, ' ')
    .trimEnd()
  return cutLine(plain, width)
}

/** At most `width` signs; what is longer ends in an ellipsis. */
export function cutLine(text: string, width: number): string {
  if (text.length <= width) return text
  const signs = [...text]
  return signs.length > width ? `${signs.slice(0, width - 1).join('')}…` : text
}

/** The lines of a text; blank ones at its end are none. */
export function linesOf(text: string): string[] {
  const lines = text.split('\n').map((line) => line.trimEnd())
  while (lines.at(-1) === '') lines.pop()
  return lines
}

/**
 * Which lines of `now` were not there `before`, where both are what stood in one place at two moments. Mostly lines were added
 * at the end and pushed others out at the top; the last one may have grown. What was drawn anew at some place else shows as the
 * lines that changed. Of equal lines nobody can tell which is which: who writes the same line over and over shows nothing new.
 */
export function newLines(before: readonly string[], now: readonly string[]): string[] {
  for (let shift = 0; shift < before.length; shift++) {
    const kept = before.length - shift
    if (kept > now.length) continue
    if (!isPrefix(before, shift, now)) continue
    const last = now[kept - 1] ?? ''
    const hasGrown = last !== before[before.length - 1]
    return now.slice(hasGrown ? kept - 1 : kept)
  }
  return changed(before, now)
}

/** Whether `now` begins with `before` from `shift` on, but for the last line of that, which may have grown. */
function isPrefix(before: readonly string[], shift: number, now: readonly string[]): boolean {
  const kept = before.length - shift
  for (let index = 0; index < kept - 1; index++) if (before[shift + index] !== now[index]) return false
  const old = before[before.length - 1] ?? ''
  const last = now[kept - 1] ?? ''
  // One that is the only thing left in common could be any line: it counts only as it was.
  return last === old || (kept > 1 && old !== '' && last.startsWith(old))
}

/** Those that no longest common part holds. */
function changed(before: readonly string[], now: readonly string[]): string[] {
  const width = now.length + 1
  const lengths = new Uint32Array((before.length + 1) * width)
  const at = (row: number, column: number) => lengths[row * width + column] ?? 0
  for (let row = before.length - 1; row >= 0; row--) {
    for (let column = now.length - 1; column >= 0; column--) {
      lengths[row * width + column] =
        before[row] === now[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1))
    }
  }
  const found: string[] = []
  let row = 0
  let column = 0
  while (column < now.length) {
    if (row < before.length && before[row] === now[column]) {
      row++
      column++
    } else if (row < before.length && at(row + 1, column) >= at(row, column + 1)) row++
    else found.push(now[column++] ?? '')
  }
  return found.filter((line) => line !== '')
}

/** At most so many lines, the newest; how many are left out is told in a line of its own, the first. */
export function newest(lines: readonly string[], most: number): string[] {
  if (lines.length <= most) return [...lines]
  const left = lines.length - most + 1
  return [`… ${left} lines left out`, ...lines.slice(left)]
}
