/** `towerwatch beat` alone, without the rest of the program: a crontab that beats each minute must not load it all each time. */
import { Command } from 'commander'
import { beatCommand } from './beat-command.ts'
import { conclude, openTerminal } from './terminal.ts'

const { shell } = openTerminal()
const command = beatCommand(shell).exitOverride().showHelpAfterError('(towerwatch beat --help shows every option)')
await conclude(shell, () => new Command('towerwatch').exitOverride().addCommand(command).parseAsync())
