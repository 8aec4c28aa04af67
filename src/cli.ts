/** argv, env, signals, exit codes; nothing else. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, Option } from 'commander'
import { operations } from './operations/registry.ts'
import { type AskOptions, ask, commandOf, optionOf, usage } from './shell/ask.ts'
import { beatCommand } from './shell/beat-command.ts'
import { check } from './shell/check.ts'
import { doctor } from './shell/doctor.ts'
import { commandList, groups, pointAtHelp, wrapped } from './shell/help.ts'
import { phase } from './shell/phase.ts'
import { exitCode } from './shell/shell.ts'
import { conclude, openTerminal } from './shell/terminal.ts'
import { version } from './version.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const varDir = join(root, 'var')

const { shell, stop } = openTerminal()

const program = new Command('towerwatch')
  .description('Keeps a fleet of AI agents alive from inside an Evennia MUD.')
  .version(version)
  .exitOverride()
  .showHelpAfterError('(towerwatch --help shows every command)')
  .configureHelp(commandList)
  .addHelpCommand(new Command('help').argument('[command]').description('this list, or the help of one command').helpGroup(groups.watch))
  .commandsGroup(groups.watch)
  .addHelpText(
    'after',
    `
Examples:
  $ towerwatch check                     is fleet.yaml right?
  $ towerwatch doctor                    are the heartbeats what they should be?
  $ towerwatch run                       watch the fleet, in the foreground
  $ towerwatch status                    every agent and host at a glance
  $ towerwatch restart bezalel           bring an agent back
  $ towerwatch incidents open            what is wrong at this moment
  $ towerwatch ack 12                    say that you look after it
  $ towerwatch silence ezra 2h new disk  tell no problems of it meanwhile
  $ towerwatch beat bezalel              say from a script that an agent lives
  $ towerwatch phase --json              the phase report, for a program
  $ towerwatch backup copy.sqlite        keep a copy of the ledger
  $ towerwatch service install           have it run from now on
  $ towerwatch deadman --install         have the watch itself watched
  $ towerwatch host install ezra         a gate of its own on a host
  $ towerwatch simulate                  the engine against a month of faults
  $ towerwatch demo                      six agents on four hosts, to try it out

Which fleet: --config FILE, else TOWERWATCH_CONFIG, else ./fleet.yaml, else the
demo's.
Exit codes: 0 done, 1 failed, 2 wrong input, 3 no watch is running, 4 refused.`,
  )

const config = () => new Option('-c, --config <file>', 'the fleet.yaml that is meant')
const json = () => new Option('--json', 'print JSON, and nothing else, on stdout')

/** Runs a command and sets the exit code. */
function exits<Args extends unknown[]>(work: (...args: Args) => number | Promise<number>): (...args: Args) => Promise<void> {
  return async (...args) => {
    process.exitCode = await work(...args)
  }
}

program
  .command('run')
  .description('watch the fleet, in the foreground; SIGHUP reads fleet.yaml again')
  .addOption(config())
  .addHelpText(
    'after',
    '\nExamples:\n  $ towerwatch run\n  $ towerwatch run --config fleets/night.yaml\n\nTOWERWATCH_LOG sets the log level: debug, info, warn, error.',
  )
  .action(
    exits(async (options: { config?: string }) => {
      const { run } = await import('./shell/run.ts')
      return run(shell, { ...options, varDir, isTerminal: process.stdout.isTTY === true })
    }),
  )

program
  .command('check')
  .description('is fleet.yaml right? Tells every fault at once, with its line')
  .addOption(config())
  .addOption(json())
  .addHelpText('after', '\nExamples:\n  $ towerwatch check\n  $ towerwatch check --config fleet.example.yaml --json')
  .action(exits((options) => check(shell, options)))

program
  .command('doctor [agent]')
  .description('looks at the heartbeats as the watch would: what it recognises and why, what is wrong, and the remedy')
  .addOption(config())
  .addOption(json())
  .option('--local', 'ask only this machine, connect to no other host')
  .option('--for <duration>', 'watch the rhythm of the heartbeats for so long', '2s')
  .addHelpText(
    'after',
    '\nExamples:\n  $ towerwatch doctor\n  $ towerwatch doctor bezalel --for 2m\n  $ towerwatch doctor --local --json\n\nNeeds no running watch and changes nothing. Exit code 1 where a heartbeat or a\nhost has a fault; who is down is told beside that.',
  )
  .action(exits((agent: string | undefined, options) => doctor(shell, agent, options)))

const itself = { node: process.execPath, cli: join(root, 'bin', 'towerwatch.js') }
const dryRun = () => new Option('--dry-run', 'print exactly what would be written and run, and do nothing')

const serviceCommand = program
  .command('service')
  .helpCommand(false)
  .description("the watch as a service of this machine: systemd's, or launchd's")
  .addHelpText('after', '\nExamples:\n  $ towerwatch service install --dry-run\n  $ towerwatch service status')
for (const [verb, description, example] of [
  ['install', 'write the unit that runs the watch, switch it on and start it', 'service install --dry-run'],
  ['remove', 'stop the watch and remove its unit', 'service remove'],
  ['status', 'is it installed, switched on and running, and is its unit as it would be written now?', 'service status --json'],
] as const) {
  const command = serviceCommand
    .command(verb)
    .description(description)
    .addOption(config())
    .addOption(new Option('--via <manager>', 'left out: what this system has').choices(['systemd', 'launchd']))
    .addHelpText(
      'after',
      `
The unit's name and scope stand in fleet.yaml, for example
deadman: { unit: towerwatch.service, scope: user }. With "scope: system" it
needs root, and runs as whoever called sudo. A service has none of your shell's
variables and no ssh-agent: secrets come from files, and keys from files or
~/.ssh/config. launchd (macOS) was written by the book and never tried on a Mac.

Examples:
  $ towerwatch ${example}
  $ towerwatch service ${verb} --config /etc/towerwatch/fleet.yaml`,
    )
    .action(
      exits(async (options) => {
        const { service } = await import('./shell/service.ts')
        return service(shell, verb, options, itself)
      }),
    )
  if (verb === 'status') command.addOption(json())
  else command.addOption(dryRun())
  command.option('--as <user>', 'whom a unit of the whole machine runs as; left out: who called sudo')
}

const hostCommand = program
  .command('host')
  .helpCommand(false)
  .description('a gate of its own on a host of fleet.yaml, for keys that can do nothing else')
  .addHelpText('after', '\nExamples:\n  $ towerwatch host install ezra --dry-run\n  $ towerwatch host show ezra')
for (const [verb, description, example] of [
  ['install', 'prepare a host: account, keys, gate, allow-list, and sudo for the units it restarts', 'host install ezra --dry-run'],
  ['show', 'what is there, is it as it would be written now, and what can each key do?', 'host show ezra --json'],
  ['remove', 'take away what was installed', 'host remove ezra'],
] as const) {
  const command = hostCommand
    .command(`${verb} <host>`)
    .description(description)
    .addOption(config())
    .option('--as <user>', 'whom to log in as for this: root, or who may use sudo without a password', 'root')
    .option('--key <file>', 'the private key for that login; left out: what your ssh does')
    .addHelpText(
      'after',
      `
This goes over your own ssh, not by the keys of the watch. The host's key has to
be in known_hosts already. In fleet.yaml the host names the account (user), the
two keys (identity, actIdentity), and "gate: installed". After a change of its
agents in fleet.yaml, install it again: the allow-list has each byte of them.

Examples:
  $ towerwatch ${example}
  $ towerwatch host ${verb} ezra --as admin`,
    )
    .action(
      exits(async (name: string, options) => {
        const { host } = await import('./shell/host.ts')
        return host(shell, verb, name, options)
      }),
    )
  if (verb === 'show') command.addOption(json())
  else command.addOption(dryRun())
  if (verb === 'remove') command.option('--account', 'remove the account, too, where an installation made it; its home stays')
}

program
  .command('deadman')
  .description('watches the watch: run once a minute by cron or a timer, independent of it')
  .addOption(config())
  .option('--quiet', 'say nothing while the watch is well: cron mails every word')
  .option('--install', 'have it run once a minute')
  .option('--uninstall', 'have it run no more')
  .option('--status', 'who runs it, and are there other deadmen on this machine?')
  .addOption(
    new Option('--via <who>', 'who runs it; left out: cron, else systemd; on macOS launchd').choices(['cron', 'systemd', 'launchd']),
  )
  .addOption(dryRun())
  .addHelpText(
    'after',
    `
It reads the watch's own beat. Where that is too old and the watch neither beats
nor answers, it tells the Tower by itself, calls the outside dead man's switch
(GET of its URL with /fail added, as Healthchecks has it), and restarts the
watch's unit at most once per window. A watch that a person stopped in order is
told of once, and left stopped. How long, which unit and which URL stands in
fleet.yaml under "deadman".

Examples:
  $ towerwatch deadman                        is the watch well? If not, act
  $ towerwatch deadman --dry-run              what would be done now?
  $ towerwatch deadman --install              once a minute, by cron
  $ towerwatch deadman --install --via systemd --dry-run
  $ towerwatch deadman --uninstall

Exit codes: 0 well, 1 dead, 2 wrong input, 3 stopped by a person.`,
  )
  .action(
    exits(async (options) => {
      const { deadman } = await import('./shell/deadman.ts')
      return deadman(shell, { ...options, varDir, program: itself })
    }),
  )

program.commandsGroup(groups.see)

// The other operations are the registry's own, `fleet` under the name that shells are used to.
for (const operation of operations) {
  if (operation.name === 'phase' || operation.name === 'audit') continue
  const name = commandOf(operation)
  const isStatus = operation.name === 'fleet'
  const examples = operation.examples.map((example) => `  $ towerwatch ${isStatus ? name : example}`)
  const declared = operation.arguments
  const typed = declared.filter(({ kind }) => kind !== 'flag')
  const called = (argument: (typeof declared)[number]) => (argument.kind === 'choice' ? argument.words.join('|') : argument.name)
  const widest = Math.max(...typed.map((argument) => called(argument).length))
  const described = typed.map(
    (argument) => `  ${called(argument).padEnd(widest)}  ${argument.help}${argument.required ? '' : ' (may be left out)'}`,
  )
  const command = program
    .command(name)
    .aliases(isStatus ? ['fleet'] : operation.aliases)
    .helpGroup(operation.effect === 'sees' ? groups.see : groups.act)
    .usage(`[options] ${usage(operation)}`.trim())
    .description(operation.summary)
    .addOption(config())
    .addOption(json())
    .addHelpText(
      'after',
      [
        ...(described.length > 0 ? ['', 'Arguments:', ...described] : []),
        ...['', wrapped(operation.help), '', 'Examples:', ...examples, `${examples.at(-1)} --json`],
      ].join('\n'),
    )
  const choices = declared.flatMap((argument) => (argument.kind === 'choice' ? argument.words.map((word) => ({ argument, word })) : []))
  for (const { argument, word } of choices) command.option(`--${word}`, argument.help)
  const flags = declared.filter(({ kind }) => kind === 'flag')
  for (const { name: flag, help } of flags) command.option(optionOf(flag), help)
  if (typed.length > 0) command.argument('[words...]')
  command.action(
    exits((...values: unknown[]) => {
      const words = typed.length > 0 ? values.shift() : []
      const options = values[0] as AskOptions & Record<string, unknown>
      const given = [
        ...choices.flatMap(({ argument, word }) => (options[word] === true ? [[argument.name, word] as const] : [])),
        // Commander calls `--dry-run` by the name that the argument has.
        ...flags.flatMap(({ name: flag }) => (options[flag] === true ? [[flag, 'yes'] as const] : [])),
      ]
      return ask(shell, operation, (words as string[]).join(' '), Object.fromEntries(given), options)
    }),
  )
}

program
  .command('phase')
  .description('how far the fleet is from Phase 2: from the ledger, or from a snapshot file')
  .addOption(config())
  .addOption(json())
  .option('--snapshot <file>', 'render this snapshot (JSON) instead of the ledger')
  .option('--output <file>', 'write the report there instead of printing it')
  .addHelpText(
    'after',
    '\nExamples:\n  $ towerwatch phase\n  $ towerwatch phase --snapshot configs/phase-1-snapshot.json --json\n  $ towerwatch phase --output docs/FLEET_PHASE_1_SURVIVAL.md\n\nExit code 0 whether Phase 2 is ready or not; 2 where the snapshot is wrong, and\nthe output file stays as it was.',
  )
  .action(exits((options) => phase(shell, options)))

program.commandsGroup(groups.ledger)
program
  .command('backup <file>')
  .description('copy the ledger into one file, also while the watch runs; the copy is checked')
  .addOption(config())
  .addHelpText(
    'after',
    '\nA backup that is there already is replaced once the new one is whole; anything\nelse there is left alone.\n\nExamples:\n  $ towerwatch backup /var/backups/ledger.sqlite\n  $ towerwatch backup "ledger-$(date +%F).sqlite"',
  )
  .action(
    exits(async (file: string, options) => {
      const { backupLedger } = await import('./shell/backup.ts')
      return backupLedger(shell, file, options)
    }),
  )

program
  .command('restore <file>')
  .description("put a backup in the ledger's place, while no watch runs; the ledger that was there is kept beside it")
  .addOption(config())
  .addHelpText(
    'after',
    '\nThe backup is checked first. Exit code 4 while a watch is running: stop it\nbefore.\n\nExamples:\n  $ towerwatch restore /var/backups/ledger.sqlite\n  $ towerwatch restore state/ledger.sqlite.v1-2026-11-22.bak',
  )
  .action(
    exits(async (file: string, options) => {
      const { restoreLedger } = await import('./shell/backup.ts')
      return restoreLedger(shell, file, options)
    }),
  )

program
  .command('audit [about]')
  .description('who asked for what and what came of it, newest first; also checks that nobody changed it')
  .addOption(config())
  .addOption(json())
  .option('--since <time>', 'only the last 30d, 12h, …')
  .option('--verify', 'check the chain of hashes, and print its head')
  .option('--head <head>', 'check also that it goes by this earlier head: NUMBER:HASH')
  .addHelpText(
    'after',
    `
Needs no running watch. "about" is an agent or a host by its id, or the number
of an operation. Each entry holds the hash of the one before it, so that nothing
can be changed in it without changing all that follows. The watch puts the head
of the chain into its log once an hour: keep that elsewhere, and --head shows
whether the end was cut off, or the whole made anew.

Examples:
  $ towerwatch audit bezalel --since 7d
  $ towerwatch audit 12 --json
  $ towerwatch audit --verify

Exit code 1 where the chain is broken; the first bad entry is named.`,
  )
  .action(
    exits(async (about: string | undefined, options) => {
      const { auditCommand } = await import('./shell/audit.ts')
      return auditCommand(shell, about, options)
    }),
  )

program
  .command('export')
  .description('the ledger for other programs: JSON lines, or tables, on stdout')
  .addOption(config())
  .addOption(
    new Option('--format <format>', 'one JSON object a line, or a table with a line of headings')
      .choices(['jsonl', 'csv'])
      .default('jsonl'),
  )
  .option('--since <time>', 'only the last 30d, 12h, …; left out: all that is remembered')
  .addOption(
    new Option('--what <kind>', 'which facts; a table holds one kind')
      .choices(['transitions', 'incidents', 'alerts', 'operations', 'audit', 'mutes', 'all'])
      .default('all'),
  )
  .addHelpText(
    'after',
    '\nTimes are milliseconds since 1970 in JSON, ISO 8601 (UTC) in tables, by the\nclock of the watch.\n\nExamples:\n  $ towerwatch export --since 30d > ledger.jsonl\n  $ towerwatch export --format csv --what incidents > incidents.csv',
  )
  .action(
    exits(async (options) => {
      const { exportLedger } = await import('./shell/export.ts')
      return exportLedger(shell, options, process.stdout)
    }),
  )

program.commandsGroup(groups.engine)
program
  .command('simulate')
  .description('run the engine against generated lives and faults, against your own thresholds, or against a recorded life')
  .addOption(new Option('-c, --config <file>', 'the agents, periods and thresholds of this fleet.yaml instead of generated ones'))
  .addOption(json())
  .option('--seed <number>', 'the same seed gives the same lives and faults', '1')
  .option('--days <number>', 'how long', '30')
  .option('--agents <number>', 'how many agents are generated', '200')
  .option('--hosts <number>', 'on how many hosts', '20')
  .option('--faults <list>', 'only these kinds, or so many: crash,hang or 800; left out: all kinds, 650 in 30 days of 200 agents')
  .option('--jitter <time>', 'with --config: one beat in 500 is late by this much on average', '10s')
  .option('--trace <file>', 'replay a recorded life, observing only')
  .option('--start <time>', "with --trace: which moment the trace's 0 is, for maintenance windows", '2026-01-01T00:00Z')
  .addHelpText(
    'after',
    `
Kinds of faults: crash, hang, stuck, flap (of an agent), partition, host-down,
slow-host (of a host), sleep, stall, clock-step, daemon-kill, ledger, tower-down
(of the watch). With --json the last line is a summary; with --trace, each
change of state and each alert is a line, and the last one is the uptime.

Examples:
  $ towerwatch simulate --seed 7
  $ towerwatch simulate --days 2 --agents 20 --faults crash,partition --json
  $ towerwatch simulate --config fleet.yaml  what would my thresholds have done?
  $ towerwatch simulate --trace night.jsonl --config fleet.yaml --json

Exit code 1 where a death was missed or invented, or an alert lost or told
twice.`,
  )
  .action(
    exits(async (options) => {
      const { simulateCommand } = await import('./shell/simulate.ts')
      return simulateCommand(shell, options)
    }),
  )

program
  .command('record')
  .description('write down what the running watch sees, to replay it with "towerwatch simulate --trace"')
  .addOption(config())
  .option('--for <time>', 'how long; left out: until Ctrl-C, or until the watch stops')
  .option('--out <file>', 'a new file; left out: stdout')
  .addHelpText(
    'after',
    `
It begins with how everything stands, and is written a minute and a quarter
late, so that its lines are in order of time.

Examples:
  $ towerwatch record --for 1h --out night.jsonl
  $ towerwatch simulate --trace night.jsonl --config fleet.yaml`,
  )
  .action(
    exits(async (options) => {
      const { record } = await import('./shell/record.ts')
      return record(shell, options)
    }),
  )

program.addCommand(beatCommand(shell).copyInheritedSettings(program).helpGroup(groups.act))

const demo = program
  .command('demo')
  .helpGroup(groups.watch)
  .description('six agents on four hosts in a running Tower, to try it out')
  .addHelpText(
    'after',
    '\nExamples:\n  $ towerwatch demo                 start it (npm start does the set-up first)\n  $ towerwatch demo kill bezalel    kill an agent of the running demo\n  $ towerwatch demo hang timmy      let one hang: alive, but silent',
  )
  .action(
    exits(async () => {
      const { runDemo } = await import('./demo/demo.ts')
      // The terminal was closed: stop in order, as with Ctrl-C.
      process.on('SIGHUP', stop)
      await runDemo({ root, varDir, print: shell.out, signal: shell.signal })
      return exitCode.ok
    }),
  )

for (const [verb, description] of [
  ['kill', 'kill an agent of the running demo, as a crash would'],
  ['hang', 'let an agent of the running demo hang: its process lives, its heartbeat stops'],
] as const) {
  demo
    .command(`${verb} <agent>`)
    .description(description)
    .addHelpText('after', `\nExample:\n  $ towerwatch demo ${verb} bezalel`)
    .action(
      exits(async (agent: string) => {
        const { hangAgent, killAgent } = await import('./demo/prod.ts')
        shell.out(await (verb === 'kill' ? killAgent : hangAgent)(varDir, agent))
        return exitCode.ok
      }),
    )
}

pointAtHelp(program)
await conclude(shell, () => program.parseAsync())
