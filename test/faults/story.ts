/** What a test against real programs saw, in order: printed when it fails, because it can't be played again. */
import { wallMs } from './wall.ts'

export interface Story {
  note(text: string): void
  text(): string
}

const mostLines = 2_000

export function openStory(title: string): Story {
  const startMs = wallMs()
  const lines: string[] = []
  return {
    note: (text) => {
      lines.push(`${((wallMs() - startMs) / 1000).toFixed(2).padStart(8)} s  ${text}`)
    },
    text: () => {
      const left = lines.length - mostLines
      return [`--- ${title}: what happened`, ...(left > 0 ? [`(${left} lines before)`] : []), ...lines.slice(-mostLines), '---'].join('\n')
    },
  }
}

/** Of a vitest test context. */
export function tellOnFailure({ onTestFailed }: { onTestFailed: (tell: () => void) => void }, ...stories: Story[]): void {
  onTestFailed(() => {
    for (const story of stories) console.log(story.text())
  })
}
