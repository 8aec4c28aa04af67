/** The programs that people really use: tintin++ in a terminal, and the webclient in a browser. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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
    const client = ['-G', '-e', `#session tower 127.0.0.1 ${stage.game.ports.telnet}`]
    const pane = await tmux.open('tintin', ['/usr/bin/env', `HOME=${folder}`, programPath('tt++'), ...client])
    const shows = sees('the terminal', () => tmux.text(pane))

    await shows(/connect <name> <password>/)
    await tmux.type(pane, `connect ${player.account} ${player.password}`)
    await shows(/^Watch Room/m)
    await shows(/^ +VPS Bezalel \(up\): Bezalel \(up\)$/m)
    await tmux.type(pane, 'fleet')
    await shows(/^bezalel +up /m)
    await shows(/^6 agents: 6 up\.$/m)

    const { pid } = stage.agent('bezalel')
    process.kill(pid, 'SIGKILL')
    await shows(/^bezalel is down: its pane is dead/m)
    await shows(/^\[Fleet\] bezalel is down/m)
    await tmux.type(pane, 'restart bezalel')
    await shows(/^bezalel is back up after /m, 30_000)
    await reborn(stage, 'bezalel', pid)
  })
})

describe('the webclient in a browser', () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: programPath('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'),
      headless: true,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    })
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
    const shows = sees('the page', async () => (await page.locator('body').allInnerTexts()).join())
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

    const { pid } = stage.agent('bezalel')
    process.kill(pid, 'SIGKILL')
    await shows(/^bezalel is down: its pane is dead/m)
    await type(page, 'look')
    await shows(/Bezalel \(down\)/)
    await type(page, 'restart bezalel')
    await shows(/verify: waiting for a beat/)
    await shows(/^bezalel is back up after /m, 30_000)
    await reborn(stage, 'bezalel', pid)

    expect(new Set(contacted)).toEqual(new Set(['127.0.0.1']))
    expect((await page.locator('body').allInnerTexts()).join()).not.toContain(stage.game.accounts.player.password)
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

  it('draws tables for the width of a phone', async () => {
    const { page, shows } = await open('/webclient/', 390)
    await logIn(page, shows)
    // The game was restarted by the test before this one: the watch may still be waiting to call it again.
    const mirrored = async () => {
      await type(page, 'fleet')
      return shows(/6 agents:/, 2_000).catch(() => false as const)
    }
    await until(mirrored, { withinMs: 60_000, what: 'a table of the fleet' })
    // What does not fit is named in the failure.
    interface Box {
      scrollWidth: number
      clientWidth: number
      innerText?: string
    }
    const tooWide = (element: Box) => (element.scrollWidth > element.clientWidth ? element.innerText : 'nothing')
    expect(await page.locator('#messagewindow').evaluate(tooWide)).toBe('nothing')
    const table = page.locator('.message.table', { hasText: /^Agent/ }).last()
    expect(await table.evaluate(tooWide)).toBe('nothing')
    await page.close()
  })
})

type Shows = (pattern: RegExp, withinMs?: number) => Promise<true>

/** Waits until what is to be seen somewhere has such a line; says what was there instead. */
function sees(where: string, look: () => Promise<string>): Shows {
  return (pattern, withinMs = 15_000) => {
    let seen = ''
    return until(
      async () => {
        seen = await look()
        return pattern.test(seen)
      },
      { withinMs, what: () => `${pattern} in ${where}, which ends with:\n${seen.trimEnd().slice(-1_500)}` },
    )
  }
}
