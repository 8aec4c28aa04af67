/**
 * An agent that posts its beats: to the address in argv, as long as it lives, each again until it was taken. Says on its
 * standard output `tries` once it begins, and `taken <seq> <status>` for each answer; 0 stands for none.
 */
import { setTimeout as wait } from 'node:timers/promises'

const [, , url = '', token = '', epoch = ''] = process.argv
process.stdout.write('tries\n')
for (let seq = 1; ; seq++) {
  for (let isTaken = false; !isTaken; ) {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify({ epoch, seq, progress: seq, busy: true }),
        // Whoever waits for an answer for longer than its period would seem silent.
        signal: AbortSignal.timeout(1_000),
      })
      await response.text()
      isTaken = response.status === 200
      process.stdout.write(`taken ${seq} ${response.status}\n`)
    } catch {
      process.stdout.write(`taken ${seq} 0\n`)
    }
    await wait(isTaken ? 400 : 200)
  }
}
