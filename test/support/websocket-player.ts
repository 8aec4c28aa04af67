/** A person at a client that speaks Evennia's websocket. The HTML that the game sends becomes lines of text. */
import { WebSocket } from 'ws'

export interface WebsocketPlayer {
  /** Every line since the connection was made. */
  readonly lines: readonly string[]
  /** Throws where the connection has ended. */
  send(line: string): void
  close(): void
}

export async function websocketPlayerAt(url: string): Promise<WebsocketPlayer> {
  const lines: string[] = []
  const socket = new WebSocket(url)
  let ended: string | undefined
  socket.on('error', (error) => (ended = error.message))
  socket.on('close', () => (ended ??= 'closed'))
  socket.on('message', (frame) => {
    const [name, texts] = JSON.parse(String(frame)) as [string, unknown[]]
    if (name === 'text') for (const text of texts) lines.push(...linesOf(String(text)))
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve())
    socket.once('error', reject)
  })
  return {
    lines,
    send: (line) => {
      if (ended !== undefined) throw new Error(`the connection ended: ${ended}`)
      socket.send(JSON.stringify(['text', [line], {}]))
    },
    close: () => socket.terminate(),
  }
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#x27': "'", '#39': "'", nbsp: ' ' }

function linesOf(html: string): string[] {
  return html
    .replace(/<br\s*\/?>/gi, '\n')
    .replace(/<[^>]*>/g, '')
    .replace(/&(#?\w+);/g, (whole, name: string) => entities[name.toLowerCase()] ?? whole)
    .replaceAll('\u00a0', ' ')
    .split(/\r?\n/)
}
