/** How the shell's help looks: commands in groups, nothing wider than a screen. */
import type { Command } from 'commander'

export const groups = { watch: 'The watch:', see: 'See:', act: 'Act:', ledger: 'The ledger:', engine: 'Try the engine:' } as const

/** What a line may hold where nobody says how wide the terminal is. */
const screen = 80

/** The list of commands: each with what it does; its options, and the words an operation takes, are told by its own help. */
export const commandList = {
  subcommandTerm: (command: Command) => {
    const named = command.registeredArguments.filter(({ variadic }) => !variadic)
    return [command.name(), ...named.map((argument) => (argument.required ? `<${argument.name()}>` : `[${argument.name()}]`))].join(' ')
  },
  subcommandDescription: (command: Command) => {
    const text = command.summary() || command.description()
    return `${text.charAt(0).toLowerCase()}${text.slice(1)}`
  },
}

/** Who has called a command wrongly is pointed at its own help: the list of all of them does not say how. */
export function pointAtHelp(command: Command, path = command.name()): void {
  for (const one of command.commands) {
    const called = `${path} ${one.name()}`
    one.showHelpAfterError(`(${called} --help shows how)`)
    pointAtHelp(one, called)
  }
}

/** Broken between words; a line that stands for itself (it begins with a blank) is left as it is. */
export function wrapped(text: string, width = screen): string {
  return text
    .split('\n')
    .flatMap((line) => (line.startsWith(' ') ? [line] : wrapLine(line, width)))
    .join('\n')
}

function wrapLine(line: string, width: number): string[] {
  const lines: string[] = []
  let current = ''
  for (const word of line.split(' ')) {
    if (current !== '' && current.length + 1 + word.length > width) {
      lines.push(current)
      current = word
    } else current = current === '' ? word : `${current} ${word}`
  }
  return [...lines, current]
}
