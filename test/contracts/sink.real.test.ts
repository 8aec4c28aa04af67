import { mkdtempSync, rmSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { webhookSink } from '../../src/adapters/http/webhook.ts'
import { commandSink } from '../../src/adapters/sinks/command.ts'
import type { AlertRecord } from '../../src/ports/ledger.ts'
import { until } from '../support/until.ts'
import { webhookServer } from '../support/webhook-server.ts'
import { sinkContract } from './sink.ts'

sinkContract('a webhook', async () => {
  const server = await webhookServer()
  return {
    sink: webhookSink({ url: server.url, timeoutMs: 10_000 }),
    arrived: async () => server.requests.map(({ body }) => body as AlertRecord),
    fail: () => server.answer(() => ({ status: 503 })),
    hang: () => server.hang(),
    stop: server.stop,
  }
})

sinkContract('a command', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tw-sink-'))
  const [script, kept, mode] = ['script', 'kept', 'mode'].map((name) => join(folder, name))
  if (script === undefined || kept === undefined || mode === undefined) throw new Error('no names')
  await writeFile(kept, '')
  await writeFile(mode, 'take')
  // What came on its input is one line of JSON; its last argument has to be the text in there.
  await writeFile(
    script,
    `import { readFileSync, appendFileSync } from 'node:fs'
const alert = readFileSync(0, 'utf8')
const mode = readFileSync(${JSON.stringify(mode)}, 'utf8')
if (mode === 'fail') process.exit(7)
if (JSON.parse(alert).text.trim() !== process.argv.at(-1).trim()) process.exit(8)
appendFileSync(${JSON.stringify(kept)}, alert)
if (mode === 'hang') setInterval(() => {}, 1000)
`,
  )
  const lines = async () => (await readFile(kept, 'utf8')).split('\n').filter((line) => line !== '')
  let changing = Promise.resolve()
  const sink = commandSink({
    run: [process.execPath, '--input-type=module', '-e', await readFile(script, 'utf8'), '--'],
    timeoutMs: 60_000,
    killAfterMs: 1_000,
  })
  return {
    sink: {
      tell: async (alert, signal) => {
        await changing
        await sink.tell(alert, signal)
      },
    },
    arrived: async () => (await lines()).map((line): AlertRecord => JSON.parse(line)),
    fail: () => {
      changing = writeFile(mode, 'fail')
    },
    hang: async () => {
      changing = writeFile(mode, 'hang')
      await until(async () => (await lines()).length > 0, { withinMs: 20_000, what: 'the command to have read its input' })
    },
    stop: async () => rmSync(folder, { recursive: true }),
  }
})
