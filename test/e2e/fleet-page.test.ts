/**
 * The page of the fleet and the pane of the web client, in a real browser, on fleets that are well, in trouble, large, and not
 * there at all. `TOWERWATCH_SCREENSHOTS=1` writes the pictures of docs/screenshots anew.
 */
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { sees, textOf, tooWide, violations } from '../support/browser.ts'
import { startChromium } from '../support/chromium.ts'
import { goodScene, largeScene, troubledScene } from '../support/scenes.ts'
import { silentClientAt } from '../support/silent-client.ts'
import { until } from '../support/until.ts'
import { openShow, type Show } from './shown.ts'

const pictures = join(import.meta.dirname, '..', '..', 'docs', 'screenshots')
const isDrawing = process.env['TOWERWATCH_SCREENSHOTS'] === '1'

const desktop = { width: 1280, height: 900 }
const phone = { width: 390, height: 844 }

let show: Show
let browser: Browser
const contexts: BrowserContext[] = []

beforeAll(async () => {
  ;[show, browser] = await Promise.all([openShow(), startChromium()])
})

afterEach(async () => {
  for (const context of contexts.splice(0)) await context.close()
})

afterAll(async () => {
  await browser?.close()
  await show?.close()
})

const address = (path: string) => `http://127.0.0.1:${show.game.ports.web}${path}`

async function newContext(viewport: typeof desktop, more: { javaScriptEnabled?: boolean; colorScheme?: 'light' | 'dark' } = {}) {
  const context = await browser.newContext({ viewport, ...more })
  contexts.push(context)
  return context
}

/** Writes a picture for the documents, where that is asked for. */
async function draw(page: Page, name: string, height?: number): Promise<void> {
  if (!isDrawing) return
  const { width } = page.viewportSize() ?? desktop
  const clip = height === undefined ? {} : { fullPage: true, clip: { x: 0, y: 0, width, height } }
  await page.screenshot({ path: join(pictures, `${name}.png`), ...clip })
}

/** Whoever may only look, logged in to the website; without scripts, unless something wants to run one. */
async function readerAt(
  viewport: typeof desktop,
  more: { javaScriptEnabled?: boolean; colorScheme?: 'light' | 'dark' } = {},
): Promise<Page> {
  const context = await newContext(viewport, { javaScriptEnabled: false, ...more })
  const page = await context.newPage()
  await page.goto(address('/fleet/'))
  const { account, password } = show.game.accounts.visitor
  await page.fill('#id_username', account)
  await page.fill('#id_password', password)
  await page.click('button')
  return page
}

/** Loads it until it shows this. */
const loads = (page: Page, pattern: RegExp, path = '/fleet/') =>
  sees('the page', async () => {
    await page.goto(address(path))
    return textOf(page)
  })(pattern)

describe('the page of the fleet', () => {
  it('is there before any watch has called, then without a history, then with it', async () => {
    const page = await readerAt(desktop)
    await loads(page, /The watch is not connected[\s\S]*No agents/)
    const { history, ...young } = goodScene(Date.now())
    await show.show(young)
    await loads(page, /6 agents\s*● 6 up[\s\S]*have not been told yet/)
    await show.show({ ...young, ...(history && { history }) })
    await loads(page, /Phase 2: ready/)
    expect(await textOf(page)).toContain('Nobody is down, no host is lost.')
    await draw(page, 'fleet-desktop', 850)
  })

  it('says who needs somebody, plots 30 days and lists incidents, in words beside every picture', async () => {
    await show.show(troubledScene(Date.now()))
    const page = await readerAt(desktop, { colorScheme: 'dark' })
    await loads(page, /Phase 2: not ready/)
    const text = await textOf(page)
    expect(text).toMatch(/Host GPU pod unreachable for 25 min.*; nobody can see Gemini/)
    expect(text).toMatch(/Bezalel down for 42 min.*: its pane is dead \(incident #61, keeper looks after it\)/)
    expect(text).toMatch(/22 more: type incidents in the game/)
    const pictures = page.locator('main svg[role="img"]')
    const words = await pictures.evaluateAll((all: { getAttribute(name: string): string | null }[]) =>
      all.map((picture) => picture.getAttribute('aria-label') ?? ''),
    )
    expect(words.filter((each) => each.length < 10)).toEqual([])
    expect(words.at(-1)).toMatch(/^Error budget used by day: \d.* % used at the end; all of it was used on 20/)
    await draw(page, 'fleet-trouble-dark', 850)
  })

  it('has nothing against it by axe, light and dark, on a desktop and on a phone, and fits the phone', async () => {
    for (const viewport of [desktop, phone]) {
      const page = await readerAt(viewport, { javaScriptEnabled: true })
      expect(await violations(page)).toEqual([])
      expect(await page.locator('html').evaluate(tooWide)).toBe('nothing')
      // A name that wants to be markup is nothing but a name.
      expect(await page.locator('b[onclick], script, main img').count()).toBe(0)
      if (viewport === phone) await draw(page, 'fleet-phone')
    }
  })

  it('shows a thousand agents in pages of a hundred, each below 150 kB', async () => {
    await show.show(largeScene(Date.now(), 1_000))
    const page = await readerAt(phone)
    await loads(page, /Agents 1 to 100 of 1000[\s\S]*Page 1 of 10/)
    await page.click('text=Next 100')
    // With its style sheet, without which it is as wide as its longest word.
    await page.waitForURL(/page=2/)
    expect(await textOf(page)).toMatch(/Agents 101 to 200 of 1000[\s\S]*Page 2 of 10/)
    expect(await page.locator('html').evaluate(tooWide)).toBe('nothing')
    const answer = await page.request.get(address('/fleet/?page=3'))
    expect((await answer.body()).length).toBeLessThan(150_000)
    const data = await page.request.get(address('/fleet/data.json?page=10'))
    expect(await data.json()).toMatchObject({ watched: true, total: 1_000, page: 10, pages: 10, counts: { up: 988, down: 12 } })
  })

  it('says that the watch is gone, calls nobody up, and lets nobody in who has not logged in', async () => {
    const page = await readerAt(desktop)
    await loads(page, /1000 agents\s*● 988 up/)
    await show.leave()
    await loads(page, /The watch is not connected since[\s\S]*1000 agents\s*\? 1000 unknown/)
    const stranger = await newContext(desktop)
    expect((await stranger.request.get(address('/fleet/data.json'))).status()).toBe(403)
    expect((await stranger.request.get(address('/fleet/'))).url()).toContain('/auth/login/')
  })
})

describe('the fleet at the side of the web client', () => {
  /** Somebody in the game, with the pane; `types` is as a person does it: the cursor is in the field already. */
  async function playerAtThePane(viewport: typeof desktop, colorScheme: 'light' | 'dark' = 'dark') {
    const page = await (await newContext(viewport, { colorScheme })).newPage()
    await page.goto(address('/webclient/'))
    const shows = sees('the page', () => textOf(page))
    const types = async (line: string) => {
      await page.keyboard.type(line)
      await page.keyboard.press('Enter')
    }
    await shows(/connect <name> <password>/)
    const { account, password } = show.game.accounts.visitor
    await types(`connect ${account} ${password}`)
    await shows(/You become /)
    await page.locator('#fleet-toggle').waitFor({ state: 'visible', timeout: 20_000 })
    return { page, shows, types, agents: page.locator('#fleet-agents li') }
  }

  const focused = (page: Page) => page.locator(':focus').textContent()

  it('shows 200 agents, is one stop for the keyboard, and lets arrows and Enter look at one', async () => {
    await show.show(largeScene(Date.now(), 200))
    const { page, shows, agents } = await playerAtThePane(desktop)
    await until(async () => (await agents.count()) === 200, { withinMs: 20_000, what: '200 agents at the side' })
    await shows(/Fleet: 197 up, 3 down/)
    expect(await page.locator('#fleet-agents [tabindex="0"]').count()).toBe(1)
    await agents.first().locator('button').focus()
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowUp', 'End', 'Home', 'ArrowDown']) await page.keyboard.press(key)
    expect(await focused(page)).toMatch(/^Agent 0001/)
    await page.keyboard.press('Enter')
    await shows(/> look agent-0001[\s\S]*State: +up/)
    expect(await violations(page)).toEqual([])

    // What is new of somebody takes the focus from nobody.
    show.change(({ agents: all, ...rest }) => ({
      ...rest,
      agents: all.map((agent) => (agent.id === 'agent-0001' ? { ...agent, state: 'down' as const, cause: 'its pane is dead' } : agent)),
    }))
    await shows(/Fleet: 196 up, 4 down/)
    expect(await focused(page)).toMatch(/^Agent 0001.*down/s)
    await page.click('#fleet-trouble')
    expect(await agents.locator('visible=true').locator('button').count()).toBe(4)
  })

  it('keeps being told after a reload of the game, and calls everybody unknown while nobody watches', async () => {
    await show.show(goodScene(Date.now()))
    const { page, shows } = await playerAtThePane(desktop)
    await shows(/Fleet: 6 up/)
    await draw(page, 'webclient-desktop')
    await show.game.reload()
    show.change(({ agents, ...rest }) => ({ ...rest, agents: agents.map((agent) => ({ ...agent, state: 'late' as const })) }))
    await shows(/Fleet: 6 late/, 40_000)
    await show.leave()
    await shows(/Fleet: 6 unknown[\s\S]*The watch is not connected since/, 20_000)
  })

  it('is not held up, nor anybody else, by a client that has stopped to read', async () => {
    const { ports, accounts } = show.game
    const silent = await silentClientAt(ports.telnet, accounts.player)
    const scene = largeScene(Date.now(), 200)
    await show.show(scene)
    const { shows, types } = await playerAtThePane(desktop)
    await shows(/Fleet: 197 up, 3 down/)
    for (let step = 0; step < 6; step++) {
      const state = step % 2 === 0 ? ('late' as const) : ('up' as const)
      show.change((known) => ({ ...known, agents: known.agents.map((agent) => ({ ...agent, state })) }))
      await shows(state === 'late' ? /Fleet: 200 late/ : /Fleet: 200 up/)
    }
    await types('look')
    await shows(/> look[\s\S]*Watch Room/)
    silent.close()
  })

  it('is opened by a button on a phone, leaves the text its room, and closes when an agent is looked at', async () => {
    await show.show(troubledScene(Date.now()))
    const { page, shows, agents } = await playerAtThePane(phone)
    await shows(/Fleet: 2 up, 1 late, 2 down/)
    expect(await page.locator('#fleet').isVisible()).toBe(false)
    await page.click('#fleet-toggle')
    expect(await agents.count()).toBe(8)
    expect(await page.locator('html').evaluate(tooWide)).toBe('nothing')
    const log = await page.locator('#messagewindow').boundingBox()
    expect(log?.height).toBeGreaterThan(150)
    await draw(page, 'webclient-phone')
    expect(await violations(page)).toEqual([])
    await agents.filter({ hasText: 'Bezalel' }).locator('button').click()
    await shows(/> look bezalel[\s\S]*State: +down/)
    expect(await page.locator('#fleet').isVisible()).toBe(false)
  })

  it('stands beside Evennia’s own web client, too, as a plugin of that', async () => {
    await show.show(goodScene(Date.now()))
    const page = await (await newContext(desktop)).newPage()
    const sent: unknown[] = []
    await page.exposeFunction('keepSent', (...message: unknown[]) => void sent.push(message))
    // The client itself loads parts of itself from other servers; this is what it gives to its plugins.
    const client = `<!doctype html><html lang="en"><title>A client</title><body><main><h1>A client</h1></main><script>
      var Evennia = { msg: (...message) => window.keepSent(...message) }
      var plugin_handler = { add: (name, plugin) => { window.plugin = plugin }, onSend: (line) => window.keepSent('line', line) }
      document.addEventListener('keydown', () => window.keepSent('stolen key'))
      </script><script src="/static/evennia_towerwatch/fleet-pane.js"></script>
      <script src="/static/evennia_towerwatch/webclient-plugin.js"></script></body></html>`
    await page.route('**/stock/', (route) => route.fulfill({ contentType: 'text/html; charset=utf-8', body: client }))
    await page.goto(address('/stock/'))
    const agent = {
      id: 'bezalel',
      name: '<b>Bezalel',
      host: 'ezra',
      state: 'up',
      cause: '',
      forMs: 1,
      beatAgeMs: 1,
      periodMs: 9e6,
      graceMs: 9e6,
    }
    const fleet = { watched: true, problem: '', hosts: [], agents: [agent, { ...agent, id: 'ezra', name: 'Ezra', state: 'down' }] }
    await page.evaluate(`plugin.init(); plugin.onLoggedIn(); plugin.onUnknownCmd('tower_fleet', [], ${JSON.stringify(fleet)})`)
    const shows = sees('the page', () => textOf(page))
    await shows(/Fleet: 1 up, 1 down/)
    await page.click('#fleet-toggle')
    await shows(/<b>Bezalel\s+● up/)
    for (const key of ['Tab', 'ArrowDown', 'Enter']) await page.keyboard.press(key)
    await until(() => sent.length >= 2, { withinMs: 10_000, what: () => `a look, beside ${JSON.stringify(sent)}` })
    expect(sent).toEqual([
      ['tower_subscribe', [], {}],
      ['line', 'look ezra'],
    ])
    expect(await violations(page)).toEqual([])
    expect(await page.evaluate(`[plugin.onUnknownCmd('other', [], {}), plugin.onConnectionClose()]`)).toEqual([false, undefined])
    await shows(/Fleet: 2 unknown[\s\S]*There is no connection to the game/)
  })
})
