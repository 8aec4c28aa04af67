/** How long the page of the fleet takes and how large it is, for an account that is logged in; beside the game's own front page. */
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import type { GameAccount } from '../../test/support/evennia.ts'
import type { Figure, Outcome } from '../benchmark.ts'
import { median } from '../statistics.ts'
import type { Stage } from './stage.ts'

export interface PageSize {
  /** Of each of the two. */
  visits: number
  agents: number
}

const kilo = 1_000

export async function measurePage(stage: Stage, { visits, agents }: PageSize, say: (text: string) => void): Promise<Outcome> {
  const browser = openBrowser(stage.game.ports.web)
  try {
    await logIn(browser, stage.game.accounts.visitor)
    const pages = Math.ceil(agents / 100)
    const tookMs: number[] = []
    const frontMs: number[] = []
    const bytes: number[] = []
    for (let visit = 0; visit < visits; visit++) {
      const number = 1 + (visit % pages)
      const fromMs = performance.now()
      const page = await browser.get(`/fleet/?page=${number}`)
      tookMs.push(performance.now() - fromMs)
      expectPage(page, `Page ${number} of ${pages}`)
      bytes.push(page.body.length)
      const frontFromMs = performance.now()
      expectPage(await browser.get('/front-page/'), 'The Tower')
      frontMs.push(performance.now() - frontFromMs)
    }
    say(
      `page: ${median(tookMs).toFixed(0)} ms and ${(Math.max(...bytes) / kilo).toFixed(0)} kB, the front page ${median(frontMs).toFixed(0)} ms`,
    )
    return outcome({ tookMs, frontMs, bytes, agents })
  } finally {
    browser.close()
  }
}

interface Answer {
  status: number
  body: Buffer
}

interface Browser {
  get(path: string): Promise<Answer>
  post(path: string, form: Record<string, string>): Promise<Answer>
  cookie(name: string): string
  close(): void
}

/** One connection that stays open, and cookies. */
function openBrowser(port: number): Browser {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const cookies = new Map<string, string>()
  const ask = async (method: 'GET' | 'POST', path: string, body: string): Promise<Answer> => {
    const headers = {
      cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      ...(method === 'POST' && { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body) }),
    }
    const asked = request({ host: '127.0.0.1', port, path, method, headers, agent, timeout: 30_000 })
    asked.on('timeout', () => asked.destroy(new Error(`${path}: no answer within 30 s`)))
    asked.end(body)
    const [answer]: IncomingMessage[] = await once(asked, 'response')
    if (!answer) throw new Error(`${path}: no answer`)
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (name !== undefined && value !== undefined) cookies.set(name, value)
    }
    const chunks: Buffer[] = []
    for await (const chunk of answer) chunks.push(chunk)
    return { status: answer.statusCode ?? 0, body: Buffer.concat(chunks) }
  }
  return {
    get: (path) => ask('GET', path, ''),
    post: (path, form) => ask('POST', path, new URLSearchParams(form).toString()),
    cookie: (name) => cookies.get(name) ?? '',
    close: () => agent.destroy(),
  }
}

async function logIn(browser: Browser, { account, password }: GameAccount): Promise<void> {
  await browser.get('/auth/login/')
  const form = { username: account, password, csrfmiddlewaretoken: browser.cookie('csrftoken') }
  const { status } = await browser.post('/auth/login/', form)
  if (status !== 302) throw new Error(`the game's website did not let ${account} in: it answered with ${status}`)
}

function expectPage({ status, body }: Answer, text: string): void {
  if (status !== 200 || !body.includes(text)) throw new Error(`the game's website answered with ${status} and without "${text}"`)
}

function outcome({ tookMs, frontMs, bytes, agents }: { tookMs: number[]; frontMs: number[]; bytes: number[]; agents: number }): Outcome {
  const ms = (value: number, whose: Figure['whose'], means: string): Figure => ({ value, unit: 'ms', better: 'lower', whose, means })
  return {
    figures: {
      fleet_page_ms: ms(median(tookMs), 'ours', `/fleet/ with ${agents} agents and their 30 days, logged in, median of ${tookMs.length}`),
      fleet_page_kb: {
        value: Math.max(...bytes) / kilo,
        unit: 'kB',
        better: 'lower',
        whose: 'ours',
        means: 'its largest page of a hundred agents, not compressed',
      },
      floor_front_page_ms: ms(median(frontMs), 'floor', "the front page of Evennia's own website, turn about with it"),
    },
    comparisons: { fleet_page_vs_front_page: { ours: 'fleet_page_ms', theirs: 'floor_front_page_ms' } },
    leftOut: [],
  }
}
