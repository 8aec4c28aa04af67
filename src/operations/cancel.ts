import type { Operation } from './operation.ts'

export const cancel: Operation = {
  name: 'cancel',
  aliases: [],
  summary: 'Give up what you asked for and what is not done yet',
  help: 'What waits for its turn, or for a second person, is not begun any more. What is under way is not waited for any longer, but what its host has been told already is not undone. With an agent or a host: only what is about it. With "all": what everybody has asked for. What the watch does by itself goes on: pause and maintenance are for that.',
  arguments: [{ name: 'subject', kind: 'subject', required: false, help: 'only what is about it; "all": that of everybody' }],
  examples: ['cancel', 'cancel all', 'cancel bezalel'],
  effect: 'acts',
  role: 'operate',
  // One's own requests are one's own, whatever they are about; those of others take more.
  roleForAll: 'admin',
  answeredBy: 'watch',
  deadlineMs: 15_000,
  plan: async (args, context) => context.cancellations.plan(args['subject']),
  run: (args, context) => context.cancellations.cancel(args['subject']),
}
