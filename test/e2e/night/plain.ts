/**
 * Transcripts that are the same every night. What no two nights share (times, durations, codes, tasks that agents chance
 * upon) becomes a placeholder, and runs of spaces, which the widths of the others make, become two.
 */

const rules: readonly [RegExp, string][] = [
  // Dates and times of day, with and without each other.
  [/\b\d{4}-\d{2}-\d{2}( \d{2}:\d{2}(:\d{2})?)?\b/g, '<date>'],
  [/\b\d{2}:\d{2}(:\d{2})?( UTC)?\b/g, '<time>'],
  [/\b\d+ (d|h|min|s|ms)( \d+ (h|min|s))?(?!\w)/g, '<while>'],
  [/\b\d+(\.\d+)? ?%/g, '<n>%'],
  [/\bconfirm [A-Z0-9]{6}\b/g, 'confirm <code>'],
  [/\b[0-9a-f]{64}\b/g, '<hash>'],
  [/ %\d+\b/g, ' %<n>'],
  [/\b(pid|process|port) \d+\b/g, '$1 <n>'],
  // What a worker happens to be at.
  [/\b(reading|reviewing|writing|running|answering|reproducing|splitting|rebasing|waiting for work)\b.*$/, '<at work>'],
  // Who is in a room depends on how many play.
  [/^(Characters:|You see:).*$/, '$1 <others>'],
  [/-{4,}/g, '----'],
  [/ {2,}/g, '  '],
]

export function plain(line: string): string {
  return rules.reduce((text, [pattern, placeholder]) => text.replace(pattern, placeholder), line).trimEnd()
}
