/** What is looked for in the pages of a browser. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { until } from './until.ts'

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8')

interface Box {
  scrollWidth: number
  clientWidth: number
  textContent: string | null
}

/** To be evaluated in a page: what does not fit is named in the failure. */
export const tooWide = (element: Box): string | null => (element.scrollWidth > element.clientWidth ? element.textContent : 'nothing')

/** What axe-core has against a page, by rule and place; in both colour schemes. */
export async function violations(page: Page): Promise<string[]> {
  const found: string[] = []
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    for (const fault of await axe(page)) found.push(`${colorScheme}: ${fault}`)
  }
  return found
}

async function axe(page: Page): Promise<string[]> {
  const found = await page.evaluate(`${axeSource}; axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] })`)
  return (found as { violations: { id: string; nodes: { html: string }[] }[] }).violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`),
  )
}

export type Shows = (pattern: RegExp, withinMs?: number) => Promise<true>

/** Waits until what is to be seen somewhere has such a line; says what was there instead. */
export function sees(where: string, look: () => Promise<string>): Shows {
  return (pattern, withinMs = 20_000) => {
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

/** All that a person can read on it. */
export const textOf = async (page: Page): Promise<string> => (await page.locator('body').allInnerTexts()).join()
