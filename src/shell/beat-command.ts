import { Command, Option } from 'commander'
import type { Shell } from './basics.ts'
import type { BeatOptions } from './beat.ts'

/** The words of `towerwatch beat`, for the whole program and for the short one that only beats. */
export function beatCommand(shell: Shell): Command {
  return new Command('beat')
    .description('say from a script or a crontab that an agent lives, or that a job has run')
    .argument('<agent>', 'its name in fleet.yaml')
    .addOption(new Option('--fail [text]', 'it lives, but fails: why').conflicts(['start', 'exit']))
    .addOption(new Option('--start', 'it begins its work').conflicts('exit'))
    .addOption(new Option('--exit <status>', 'it has ended with this exit status; 0 is good: --exit $?'))
    .addOption(new Option('--busy', 'it is at work').conflicts('idle'))
    .option('--idle', 'it waits for work')
    .option('--progress <number>', 'moves whenever it gets on; busy without progress for too long is hung')
    .option('--doing <text>', 'what it works at')
    .option('--model <name>', 'what it thinks with')
    .addOption(new Option('--job <name>', 'the job of a folder of jobs that has run').conflicts('url'))
    .option('--every <time>', 'how often that job runs: 15m, 1h, 1d (kept from its last record where left out)')
    .option('--epoch <text>', "which life of the agent this is; default: that of the process that calls this, or of --pid's")
    .option('--pid <pid>', "the agent's process, so that its end is seen at once: --pid $$")
    .option('--url <url>', 'post it to the watch that listens there')
    .addOption(new Option('--to <path>', 'write this heartbeat file, or with --job into this folder; needs no fleet.yaml').conflicts('url'))
    .option('-c, --config <file>', 'the fleet.yaml that is meant')
    .addHelpText(
      'after',
      `
Writes the agent's heartbeat file as a whole (a reader has the old one or the
new one), or posts to the watch where fleet.yaml says heartbeat: { push: … }.
Says nothing where all is well, so that cron sends no mail.

Examples, in a script:
  $ towerwatch beat bezalel                          it lives
  $ towerwatch beat bezalel --busy --progress 42 --doing "page 42 of 300"
  $ towerwatch beat bezalel --fail "no credit left"
Examples, in a crontab:
  0 3 * * *    backup.sh && towerwatch beat jobs --job backup --every 24h
  */5 * * * *  sync.sh; towerwatch beat jobs --job sync --every 5m --exit $?
  * * * * *    towerwatch beat scribe --url https://tower.example.org
On a host without fleet.yaml:
  $ towerwatch beat ezra --to /home/agents/ezra/heartbeat.json
  $ towerwatch beat jobs --job backup --every 1d --to /var/run/heartbeats

The token of a posted beat: TOWERWATCH_BEAT_TOKEN, else as fleet.yaml says;
never an argument, which others could read.
Posting is tried again for a while where the watch can't be reached.
Exit codes: 0 told, 1 could not be told, 2 wrong input.`,
    )
    .action(async (agent: string, options: BeatOptions) => {
      const { beat } = await import('./beat.ts')
      // The launcher may stand between: then it says who called it.
      const caller = Number(shell.env['TOWERWATCH_CALLER'] ?? process.ppid)
      process.exitCode = await beat(shell, agent, options, Number.isSafeInteger(caller) && caller > 0 ? caller : process.ppid)
    })
}
