/** Where players sit: each of the programs that people use, opened, logged in, and read line by line. */
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import type { Browser } from 'playwright-core'
import { startChromium } from '../../support/chromium.ts'
import type { GameAccount, TestGame } from '../../support/evennia.ts'
import { playerAt } from '../../support/player.ts'
import { programPath } from '../../support/programs.ts'
import { startTmux, type Tmux } from '../../support/tmux.ts'
import { until } from '../../support/until.ts'
import { websocketPlayerAt } from '../../support/websocket-player.ts'
import type { Program } from './cast.ts'

export interface Seat {
  type(line: string): Promise<void>
  /** All that was heard so far, line by line, without colours and without what was typed. */
  read(): Promise<readonly string[]>
  /** The same with colour codes, where the program shows colours and keeps what came. */
  readColoured?(): readonly string[]
  /** What stands on the screen of the program, with all that was scrolled away. */
  screen?(): Promise<string>
  close(): Promise<void>
}

export interface House {
  /** Rejects where the login fails. */
  open(program: Program, account: GameAccount): Promise<Seat>
  close(): Promise<void>
}

export function openHouse(game: TestGame): House {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'tw-night-')))
  const seats: Seat[] = []
  let tmux: Promise<Tmux> | undefined
  let browser: Promise<Browser> | undefined
  const openers: Record<Program, (account: GameAccount) => Promise<Seat>> = {
    telnet: async (account) => {
      const player = await playerAt(game.ports.telnet, account)
      return { type: async (line) => player.send(line), read: async () => player.lines, close: async () => player.close() }
    },
    websocket: async (account) => {
      const player = await websocketPlayerAt(game.websocketUrl)
      const seat = { type: async (line: string) => player.send(line), read: async () => player.lines, close: async () => player.close() }
      return logIn(seat, account)
    },
    tintin: async (account) => {
      tmux ??= startTmux(folder)
      return logIn(await tintin(await tmux, folder, game.ports.telnet, account.account), account)
    },
    chromium: async (account) => {
      browser ??= startChromium()
      return logIn(await chromium(await browser, game.ports.web), account)
    },
  }
  return {
    open: async (program, account) => {
      const seat = await openers[program](account)
      seats.push(seat)
      return seat
    },
    close: async () => {
      await Promise.all(seats.map((seat) => seat.close()))
      await (await browser)?.close()
      await (await tmux)?.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function logIn(seat: Seat, { account, password }: GameAccount): Promise<Seat> {
  await reads(seat, /connect <name> <password>/)
  await seat.type(`connect ${account} ${password}`)
  await reads(seat, /^You become /)
  return seat
}

async function reads(seat: Seat, pattern: RegExp): Promise<void> {
  let lines: readonly string[] = []
  await until(
    async () => {
      lines = await seat.read()
      return lines.some((line) => pattern.test(line))
    },
    { withinMs: 30_000, what: () => `${pattern} among:\n${lines.slice(-15).join('\n')}` },
  )
}

/** In a pane of tmux, with a log of its own making: lines as they came, colours and all, and what was typed among them. */
async function tintin(tmux: Tmux, folder: string, port: number, name: string): Promise<Seat> {
  const log = join(folder, `${name}.log`)
  const script = `#config {log} {raw};#event {SESSION CONNECTED} {#log {append} {${log}}};#session tower 127.0.0.1 ${port}`
  const pane = await tmux.open(name, ['/usr/bin/env', `HOME=${folder}`, programPath('tt++'), '-G', '-e', script])
  const typed: string[] = []
  const readColoured = () => {
    const left = [...typed]
    // The last piece is a line that has not come whole yet.
    const lines = existsSync(log) ? readFileSync(log, 'utf8').split('\n').slice(0, -1) : []
    return lines
      .map((line) => line.replace(/\r$/, ''))
      .filter((line) => {
        const index = left.indexOf(line)
        if (index !== -1) left.splice(index, 1)
        return index === -1
      })
  }
  return {
    type: async (line) => {
      typed.push(line)
      await tmux.type(pane, line)
    },
    readColoured,
    read: async () => readColoured().map(stripVTControlCharacters),
    screen: () => tmux.text(pane),
    close: async () => undefined,
  }
}

async function chromium(browser: Browser, port: number): Promise<Seat> {
  // A context of its own: the browser's session is what the game knows a returning visitor by.
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
  const page = await context.newPage()
  await page.goto(`http://127.0.0.1:${port}/webclient/`)
  return {
    type: async (line) => {
      await page.locator('#inputfield').focus()
      await page.keyboard.type(line)
      await page.keyboard.press('Enter')
    },
    read: async () => (await page.locator('#messagewindow .message:not(.typed)').allTextContents()).flatMap((text) => text.split('\n')),
    screen: async () => (await page.locator('#messagewindow').allInnerTexts()).join(),
    close: () => context.close(),
  }
}
