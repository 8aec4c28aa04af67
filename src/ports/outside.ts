/** An outside dead man's switch: a URL that is called while the watch is well, and by whose silence somebody is called. */

/** `message` is one plain sentence without the URL, which is a secret. */
export class OutsideError extends Error {
  override name = 'OutsideError'
}

export interface Outside {
  /** well: the watch lives. failed: it is dead. Rejects with OutsideError unless it was taken (2xx). */
  call(what: 'well' | 'failed', signal?: AbortSignal): Promise<void>
}
