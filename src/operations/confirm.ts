import type { Operation } from './operation.ts'

export const confirm: Operation = {
  name: 'confirm',
  aliases: [],
  summary: 'Be the second person for what somebody else has asked for',
  help: 'fleet.yaml says under "authority" what needs a second person, such as "restart all". Who asks for that gets a code, everybody is told it, and within the time that stands there (2 minutes, if nothing else does) somebody else may type it. It is done then, and everybody is told what came of it. Two sessions of one account are one person. What waits is forgotten when the watch is restarted. What the watch does by itself needs no second person: its policy is in fleet.yaml.',
  arguments: [{ name: 'code', kind: 'word', required: true, help: 'as the notice says it' }],
  examples: ['confirm 7F3K9M'],
  effect: 'acts',
  // Whoever confirms something answers for it like the one who asked, and what is marked may take this role.
  role: 'admin',
  answeredBy: 'watch',
  deadlineMs: 300_000,
  plan: async (args, context) => context.confirmations.plan(args['code'] ?? ''),
  run: (args, context) => context.confirmations.confirm(args['code'] ?? ''),
}
