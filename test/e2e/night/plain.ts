/**
 * Transcripts that are the same every night. What no two nights share (times, durations, codes, tasks that agents chance
 * upon) becomes a placeholder, and runs of spaces, which the widths of the others make, become two.
 */

const rules: readonly [RegExp, string][] = [
  // Dates and times of day, with and without each other.
  [/\b\d{4}-\d{2}-\d{2}( \d{2}:\d{2}(:\d{2})?)?\b/g, '<date>'],
  [/\b\d{2}:\d{2}(:\d{2})?( UTC)?\b/g, '<time>'],
  [/\b(under )?\d+ (d|h|min|s|ms)( \d+ (h|min|s))?(?!\w)/g, '<while>'],
  [/\b\d+(\.\d+)? ?%/g, '<n>%'],
  [/\bconfirm [A-Z0-9]{6}\b/g, 'confirm <code>'],
  [/\b[0-9a-f]{64}\b/g, '<hash>'],
  [/ %\d+\b/g, ' %<n>'],
  [/\b(pid|process|port) \d+\b/g, '$1 <n>'],
  // Of objects of the game, which superusers and builders see.
  [/\(#\d+\)/g, '(#<n>)'],
  [/(respawning pane %<n>|starting it) .*$/, '$1 <command>'],
  // What a worker happens to be at.
  [/\b(busy|idle): .*$/, '<busy or idle>'],
  [/^(.+?) (is at work( on .*)?|stands ready)\.$/, '$1 <is up>.'],
  [
    /\b(reading the|reviewing fleet|writing (a patch|docs)|running the tests|answering a question|reproducing fleet|splitting up|rebasing the|waiting for work).*$/,
    '<at work>',
  ],
  [/-{4,}/g, '----'],
  [/ {2,}/g, '  '],
]

export function plain(line: string): string {
  return withoutOthers(rules.reduce((text, [pattern, placeholder]) => text.replace(pattern, placeholder), line)).trimEnd()
}

/** Who is in a room depends on how many play; the agents there, who have their state behind their name, do not. */
function withoutOthers(line: string): string {
  const [, before, names] = /^(Characters: )(.*)$/.exec(line) ?? []
  if (before === undefined || names === undefined) return line
  const agents = names.split(/, and | and |, /).filter((name) => name.endsWith(')'))
  return `${before}${[...agents, '<others>'].join(', ')}`
}
