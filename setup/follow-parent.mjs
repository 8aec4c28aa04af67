import process from 'node:process'

// Loaded into a program that was started by hand-over.mjs, before the program itself. The channel between the two closes
// when the parent is gone, however it went; the program then stops as if it had been asked to.
if (process.channel) {
  process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  process.channel.unref()
}
