import { connect } from 'node:net'
import { WebSocket } from 'ws'
import type { Place } from './place.ts'

/**
 * Whether the game answers where players and the bridge come in. The portal alone opens both ports and proves little; the
 * greeting on the websocket comes from the server behind it.
 * @param timeoutMs how long one of them may take
 */
export async function answers(place: Place, timeoutMs: number): Promise<boolean> {
  const both = await Promise.all([telnetAnswers(place.telnet, timeoutMs), websocketAnswers(place.websocket.url, timeoutMs)])
  return both.every(Boolean)
}

function telnetAnswers({ host, port }: Place['telnet'], timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs })
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('data', () => end(true))
    socket.once('timeout', () => end(false))
    socket.once('error', () => end(false))
    socket.once('close', () => end(false))
  })
}

/** True once a server behind the portal says its greeting. */
export function websocketAnswers(url: string, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, { handshakeTimeout: timeoutMs })
    const timer = setTimeout(() => end(false), timeoutMs)
    const end = (answer: boolean) => {
      clearTimeout(timer)
      socket.terminate()
      resolve(answer)
    }
    socket.once('message', () => end(true))
    socket.on('error', () => end(false))
    socket.once('close', () => end(false))
  })
}
