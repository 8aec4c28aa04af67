/** Something that stops the demo or one of its commands. `message` says what, where and what to do about it. */
export class DemoError extends Error {
  override name = 'DemoError'
}
