/** Whoever starts programs on this machine: systemd, launchd or cron. */

/** The thing can't be done. `message` says what to do instead. */
export class ServiceError extends Error {
  override name = 'ServiceError'
}

/** A program that is to be run for ever, or once a minute. */
export interface Job {
  /** The name of its unit, without an ending: "towerwatch". */
  name: string
  /** For people: one line. */
  description: string
  /** The fleet.yaml that it is for. One of this name that is for another fleet is never touched. */
  fleetFile: string
  runs: 'always' | 'every-minute'
  /** The program and its arguments. Paths are absolute; no control characters anywhere. */
  argv: readonly [string, ...string[]]
  /** Where the programs that it calls are looked for. */
  path: string
  /** A file for its output, where the manager keeps none. */
  log: string
  /** The user of a system unit; absent: the manager's own. */
  user?: string
}

/** One thing that an installation does. Plain data, so that a dry run prints exactly what a real one does. */
export type Step =
  | { kind: 'write'; path: string; text: string }
  | { kind: 'remove'; path: string }
  /** `input` goes to its standard input. `tolerated`: a failure is said and goes on. */
  | { kind: 'run'; argv: readonly [string, ...string[]]; input?: string; tolerated?: true }

export interface JobStatus {
  /** foreign: there is one of this name that Towerwatch has not written. differs: another one than would be written now. */
  file: 'missing' | 'foreign' | 'differs' | 'as it would be written'
  /** Where it is, or would be. */
  path: string
  isEnabled: boolean
  isActive: boolean
  /** What keeps it from running when nobody is logged in, with what to type; empty where nothing does. */
  hints: string[]
}

/** All reject with ServiceError. */
export interface Installer {
  readonly kind: 'systemd' | 'launchd' | 'cron'
  status(job: Job): Promise<JobStatus>
  /** Nothing where all is as it should be. */
  installSteps(job: Job): Promise<Step[]>
  removeSteps(job: Job): Promise<Step[]>
}

export interface ServiceManager extends Installer {
  readonly kind: 'systemd' | 'launchd'
  /** Restarts a unit by its name, without waiting until it has started. */
  restartStep(name: string): Step & { kind: 'run' }
}
