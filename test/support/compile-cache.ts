const folder = process.env['NODE_COMPILE_CACHE']

/**
 * For the environment of a command that a test starts, where that is not the test's own: where Node keeps what it has compiled, if
 * the run says so (setup/check.mjs does). It halves the work of each start.
 */
export const compileCache: Readonly<Record<string, string>> = folder === undefined ? {} : { NODE_COMPILE_CACHE: folder }
