/** A real Chromium without a window, that asks nobody for anything by itself. */
import { type Browser, chromium } from 'playwright-core'
import { programPath } from './programs.ts'

export function startChromium(): Promise<Browser> {
  return chromium.launch({
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
}
