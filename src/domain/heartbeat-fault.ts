/** What can be wrong with a heartbeat file: a name, a sentence, and what to do about it. */

export interface HeartbeatFault {
  kind: HeartbeatFaultKind
  /** What follows on the file's path: "is empty". */
  text: string
  /** What to do, as an order: "name its target in fleet.yaml". */
  remedy: string
}

const atomically = 'write it to another file in the same folder and rename that over it, so that nobody ever reads half of it'

/** `…` stands for the detail. */
const known = {
  // What stands in it.
  empty: ['is empty', `${atomically}; where it is only touched, say "format: mtime"`],
  torn: ['is not whole JSON', atomically],
  binary: ['holds bytes that are no text', 'write text into it, or say "format: mtime", so that only its modification time counts'],
  huge: ['is larger than 64 KiB', 'a heartbeat is one small record: write it anew each time instead of appending, or say "format: mtime"'],
  'no-object': ['holds no JSON object', 'write one object: {"at": …, "pid": …}'],
  'no-number': ['holds no time: expected a number of seconds since 1970', 'write the time alone into it, or name the right format'],
  'no-time': ['has no time under "…"', 'put right the timeField in fleet.yaml; until then only its modification time counts'],
  'no-interval': [
    'declares no interval',
    'write {"at": …, "interval_seconds": …} into it, or the time and the interval in seconds, with a blank between',
  ],
  'other-form': ['held … before, and now something else', `${atomically}; where the agent writes another form now, name it with "format"`],
  // What the file is.
  missing: ['is not there', 'start the agent, or put right the path in fleet.yaml'],
  symlink: ['is a symbolic link, and links are not followed', 'name its target in fleet.yaml'],
  directory: ['is a folder', 'name the file in it, or say { jobs: /folder } for a folder of <job>.last files'],
  pipe: ['is a pipe', 'let the agent write a regular file'],
  special: ['is no regular file', 'let the agent write a regular file'],
  denied: ['may not be read', 'let the user whom Towerwatch logs in as read it, and enter the folders on the way to it'],
  'no-answer': ['is on a file system that does not answer', 'look at that mount on the host'],
  'cut-short': ['could not be read to its end', 'look at the disk of the host'],
  // What its times say.
  future: [
    'has a modification time in the future, by …',
    'put right the clock of whoever writes it (or of the file server); it counts as of when it was first seen',
  ],
  'went-back': ['was replaced by an older one, which proves nothing new', 'let nobody copy it back; its agent writes it anew'],
  'time-differs': [
    'says a time that is … off its modification time',
    'it was copied or touched, or the clock of its writer is wrong; its modification time is what counts',
  ],
  // A folder of jobs.
  'no-folder': ['is not a folder', 'name a folder of <job>.last files, or say { file: /path }'],
  'too-many-jobs': ['holds more than 200 <job>.last files: only the first 200 are watched', 'clear it up, or declare several agents'],
  'odd-names': [
    'holds … file(s) whose name is not plain',
    'name jobs by letters, digits, "_", "-", "." and "@"; the others are not watched',
  ],
  'no-jobs': ['holds no <job>.last file', 'let a job write one, or put right the path in fleet.yaml'],
} as const satisfies Record<string, readonly [text: string, remedy: string]>

export type HeartbeatFaultKind = keyof typeof known

export function heartbeatFault(kind: HeartbeatFaultKind, detail = ''): HeartbeatFault {
  const [text, remedy] = known[kind]
  return { kind, text: text.replace('…', detail), remedy }
}
