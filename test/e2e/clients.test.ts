/** The programs that people really use: tintin++ in a terminal, and the webclient in a browser. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Shows, sees, textOf, tooWide, violations } from '../support/browser.ts'
import { startChromium } from '../support/chromium.ts'
import { programPath } from '../support/programs.ts'
import { startTmux, type Tmux } from '../support/tmux.ts'
import { until } from '../support/until.ts'
import { openStage, reborn, type Stage } from './stage.ts'

let stage: Stage

beforeAll(async () => {
  stage = await openStage()
})

afterAll(async () => {
  await stage?.close()
})

describe('tintin++ in a terminal', () => {
  let folder: string
  let tmux: Tmux

  beforeAll(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'tw-tintin-')))
    tmux = await startTmux(folder)
  })

  afterAll(async () => {
    await tmux?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  it('logs in, sees the Watch Room and the fleet, hears bezalel die and brings him back', async () => {
    const { player } = stage.game.accounts
    // With the script that the documents offer: it asks for the fleet as data, over GMCP.
    const script = join(import.meta.dirname, '..', '..', 'docs', 'clients', 'tower.tin')
    const client = ['-G', '-e', `#read ${script};#session tower 127.0.0.1 ${stage.game.ports.telnet}`]
    const pane = await tmux.open('tintin', ['/usr/bin/env', `HOME=${folder}`, programPath('tt++'), ...client])
    const shows = sees('the terminal', () => tmux.text(pane))

    await shows(/connect <name> <password>/)
    await tmux.type(pane, `connect ${player.account} ${player.password}`)
    await shows(/^Watch Room/m)
    await shows(/^ +VPS Bezalel \(up\): Bezalel \(up\)$/m)
    await shows(/^The fleet: 6 agents, told as data/m)
    await tmux.type(pane, 'bars')
    await shows(/^Code Claw +up$/m)
    await tmux.type(pane, 'verbosity all')
    await shows(/^You hear all: /m)
    await tmux.type(pane, 'fleet')
    await shows(/^bezalel +up /m)
    await shows(/^6 agents: 6 up\.$/m)

    const { pid } = stage.agent('bezalel')
    process.kill(pid, 'SIGKILL')
    await shows(/^bezalel is down: its pane is dead/m)
    await shows(/^\[Fleet\] bezalel is down/m)
    await shows(/^Bezalel is down its pane is dead/m)
    await tmux.type(pane, 'restart bezalel')
    await shows(/^bezalel is back up after /m, 30_000)
    await reborn(stage, 'bezalel', pid)
  })
})

describe('the webclient in a browser', () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await startChromium()
  })

  afterAll(async () => {
    await browser?.close()
  })

  /** A page on the webclient; `contacted` are the hosts that it asked for anything at all. */
  async function open(path = '/webclient/', width = 1280): Promise<{ page: Page; contacted: string[]; shows: Shows }> {
    const page = await browser.newPage({ viewport: { width, height: 800 } })
    const contacted: string[] = []
    page.context().on('request', (request) => contacted.push(new URL(request.url()).hostname))
    page.on('websocket', (socket) => contacted.push(new URL(socket.url()).hostname))
    await page.goto(`http://127.0.0.1:${stage.game.ports.web}${path}`)
    const shows = sees('the page', () => textOf(page))
    await shows(/connect <name> <password>/)
    return { page, contacted, shows }
  }
  /** As a person does: the cursor is in the field already. */
  async function type(page: Page, line: string): Promise<void> {
    await page.keyboard.type(line)
    await page.keyboard.press('Enter')
  }

  async function logIn(page: Page, shows: Shows, { account, password } = stage.game.accounts.player): Promise<void> {
    await type(page, `connect ${account} ${password}`)
    await shows(/You become /)
  }

  it('logs in by typing, shows the agents with their states, and brings bezalel back, asking nobody but this machine', async () => {
    const { page, contacted, shows } = await open()
    await logIn(page, shows)
    await shows(/Watch Room/)
    await shows(/VPS Bezalel \(up\): Bezalel \(up\)/)
    const atTheSide = (text: RegExp) => page.locator('#fleet-agents li', { hasText: text })
    await until(async () => (await atTheSide(/up/).count()) === 6, { withinMs: 10_000, what: 'the fleet at the side' })

    const { pid } = stage.agent('bezalel')
    process.kill(pid, 'SIGKILL')
    await shows(/^bezalel is down: its pane is dead/m)
    await until(async () => (await atTheSide(/Bezalel.*down.*its pane is dead/s).count()) === 1, {
      withinMs: 10_000,
      what: 'his death at the side',
    })
    await atTheSide(/Bezalel/)
      .locator('button')
      .click()
    await shows(/Incident: +#\d+ its pane is dead, open/)
    await page.locator('#inputfield').focus()
    await type(page, 'look')
    await shows(/Bezalel \(down\)/)
    await type(page, 'restart bezalel')
    await shows(/verify: waiting for a beat/)
    await shows(/^bezalel is back up after /m, 30_000)
    await reborn(stage, 'bezalel', pid)

    expect(new Set(contacted)).toEqual(new Set(['127.0.0.1']))
    expect(await textOf(page)).not.toContain(stage.game.accounts.player.password)
    await page.close()
  })

  it('takes over text and colours of what is said, and nothing that could run, load or be clicked', async () => {
    const { page, contacted, shows } = await open('/')
    const complaints: string[] = []
    page.on('console', (message) => complaints.push(message.text()))
    await logIn(page, shows)
    // Evennia's help is made of links with handlers in them.
    await type(page, 'help')
    await shows(/\bfleet +health\b/)
    const states = page.locator('#messagewindow span', { hasText: /^up$/ })
    expect(await states.first().evaluate((span) => span.style.color)).toMatch(/^rgb/)

    const visitor = await stage.visitor()
    visitor.send('say <img src="http://192.0.2.1/x.png" onerror="document.title=1"> |lcquit|ltclick me|le http://192.0.2.1/y')
    await shows(/visitor says, ".*click me http:\/\/192\.0\.2\.1\/y"/)
    expect(await page.locator('#messagewindow').locator('a, img, script, [onclick], [onerror]').count()).toBe(0)
    expect(new Set(contacted)).toEqual(new Set(['127.0.0.1']))
    expect(complaints).toEqual([])
    await page.close()
  })

  it('shows the fleet as a page, to whoever is logged in, on a desktop and on a phone', async () => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, javaScriptEnabled: false })
    const contacted: string[] = []
    page.context().on('request', (request) => contacted.push(new URL(request.url()).hostname))
    await page.goto(`http://127.0.0.1:${stage.game.ports.web}/fleet/`)
    const { account, password } = stage.game.accounts.visitor
    await page.fill('#id_username', account)
    await page.fill('#id_password', password)
    await page.click('button')
    const text = () => textOf(page)
    const told = async () => {
      await page.goto(`http://127.0.0.1:${stage.game.ports.web}/fleet/`)
      return (await text()).includes('Phase 2: not ready') && (await text()).includes('6 agents')
    }
    await until(told, { withinMs: 60_000, what: 'the history has come' })
    for (const word of ['Bezalel', 'VPS Ezra', 'Incidents', 'Error budget']) expect(await text()).toContain(word)
    // What looks for faults is a script itself, so it has a page where scripts may run, in the same login.
    const cookies = await page.context().cookies()
    const judged = await browser.newPage({ viewport: { width: 1280, height: 900 } })
    await judged.context().addCookies(cookies)
    await judged.goto(`http://127.0.0.1:${stage.game.ports.web}/fleet/`)
    expect(await violations(judged)).toEqual([])
    await judged.setViewportSize({ width: 390, height: 800 })
    expect(await judged.locator('html').evaluate(tooWide)).toBe('nothing')
    expect(await violations(judged)).toEqual([])
    await judged.close()
    expect(new Set(contacted)).toEqual(new Set(['127.0.0.1']))
    const data = await page.request.get(`http://127.0.0.1:${stage.game.ports.web}/fleet/data.json`)
    expect(await data.json()).toMatchObject({ total: 6, history: { ready: false } })
    await page.close()
  })

  it('finds the game again by itself after a restart of all of it', async () => {
    const { page, shows } = await open()
    await logIn(page, shows)
    await stage.game.stopGame()
    await shows(/The connection is gone/)
    await stage.game.startGame()
    // Whether one is logged in again depends on Evennia's version.
    await shows(/Connected again[\s\S]*(You become |connect <name> <password>)/, 40_000)
    await page.close()
  })

  it('draws the fleet for the width of a phone', async () => {
    const { page, shows } = await open('/webclient/', 390)
    await logIn(page, shows)
    // The game was restarted by the test before this one: the watch may still be waiting to call it again.
    const mirrored = async () => {
      await type(page, 'fleet')
      return shows(/6 agents:/, 2_000).catch(() => false as const)
    }
    await until(mirrored, { withinMs: 60_000, what: 'a table of the fleet' })
    expect(await page.locator('#messagewindow').evaluate(tooWide)).toBe('nothing')
    const fleet = page.locator('.message', { hasText: /6 agents:/ }).last()
    expect(await fleet.evaluate(tooWide)).toBe('nothing')
    await page.close()
  })
})
