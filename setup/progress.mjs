import process from 'node:process'

/**
 * A failure of set-up that the reader can do something about.
 * `message` says what failed, `remedy` what to do about it.
 */
export class SetupError extends Error {
  /** @param {string} message @param {string} remedy */
  constructor(message, remedy) {
    super(message)
    this.name = 'SetupError'
    this.remedy = remedy
  }
}

/** A person asked set-up to stop. */
export class Interrupted extends SetupError {
  constructor() {
    super('interrupted', 'run the same command again; it goes on where it was')
    this.name = 'Interrupted'
  }
}

/**
 * @typedef {(text: string, weight?: 'detail') => void} Say  Tells that work has begun or goes on; never called when there was
 *   nothing to do. A detail is shown where lines are redrawn, and elsewhere only if it lasts.
 * @typedef {{ step: (title: string, work: (say: Say) => Promise<string>) => Promise<void>, note: (text: string) => void }} Progress
 */

/**
 * The visible steps of set-up, one line each: what, how it ended, how long it took. Reads the same without colour. On a
 * terminal the line of the running step is redrawn; elsewhere (CI, a file) nothing is ever redrawn, and a step that takes
 * long says so now and then.
 *
 * @param {{
 *   stream?: { write: (text: string) => unknown, isTTY?: boolean, columns?: number },
 *   env?: Record<string, string | undefined>,
 *   nowMs?: () => number,
 *   aliveEveryMs?: number,
 * }} [options]
 * @returns {Progress}
 */
export function createProgress(options = {}) {
  const stream = options.stream ?? process.stderr
  const env = options.env ?? process.env
  const nowMs = options.nowMs ?? (() => performance.now())
  const live = stream.isTTY === true && env['TERM'] !== 'dumb' && env['CI'] === undefined
  const coloured = live && (env['NO_COLOR'] ?? '') === ''
  const aliveEveryMs = options.aliveEveryMs ?? (live ? 1_000 : 15_000)

  /** @param {string} code @param {string} text */
  const paint = (code, text) => (coloured ? `\u001b[${code}m${text}\u001b[0m` : text)
  /** @param {number} fromMs */
  const since = (fromMs) => `${((nowMs() - fromMs) / 1000).toFixed(1)} s`

  /** @param {string} text */
  const draw = (text) => {
    if (live) stream.write(`\r\u001b[2K${text.slice(0, (stream.columns ?? 80) - 1)}`)
    else stream.write(`${text}\n`)
  }
  /** @param {string} text */
  const settle = (text) => stream.write(live ? `\r\u001b[2K${text}\n` : `${text}\n`)

  return {
    /**
     * Runs one step. `work` returns what is there now ("v24.21.0"), in a few words.
     * Whatever it throws is shown here with its remedy, then thrown on.
     */
    async step(title, work) {
      const startMs = nowMs()
      let doing = ''
      const alive = setInterval(() => {
        if (doing !== '') draw(`  ..    ${title}: ${doing} (${since(startMs)})`)
      }, aliveEveryMs)
      try {
        const result = await work((text) => {
          if (text === doing) return
          doing = text
          draw(`  ..    ${title}: ${text}`)
        })
        settle(`  ${paint('32', 'ok')}    ${title}: ${result}${doing === '' ? '' : ` (${since(startMs)})`}`)
      } catch (error) {
        settle(`  ${paint('31', 'FAIL')}  ${title} (${since(startMs)})`)
        for (const line of explain(error)) settle(`        ${line}`)
        throw error
      } finally {
        clearInterval(alive)
      }
    },
    note(text) {
      settle(text)
    },
  }
}

/**
 * What went wrong and what to do about it, as lines.
 * @param {unknown} error
 * @returns {string[]}
 */
export function explain(error) {
  const message = error instanceof Error ? error.message : String(error)
  const lines = message.split('\n')
  if (error instanceof SetupError) lines.push(`What to do: ${error.remedy}`)
  return lines
}
