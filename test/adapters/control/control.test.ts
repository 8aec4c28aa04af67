import { once } from 'node:events'
import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { askWatch, NotRunningError } from '../../../src/adapters/control/client.ts'
import type { ControlRequest } from '../../../src/adapters/control/messages.ts'
import { AlreadyRunningError, type ControlHandler, startControlServer } from '../../../src/adapters/control/server.ts'
import { socketPath } from '../../../src/adapters/control/socket-path.ts'
import type { Outcome } from '../../../src/operations/operation.ts'

let folder: string
let path: string
let stops: (() => Promise<void>)[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tw-control-'))
  path = join(folder, 'state', 'towerwatch.sock')
  stops = []
})
afterEach(async () => {
  for (const stop of stops) await stop()
  rmSync(folder, { recursive: true })
})

async function served(handle: ControlHandler): Promise<void> {
  const server = await startControlServer(path, handle)
  stops.push(server.stop)
}
const asked: ControlRequest = { operation: 'restart', arguments: { agent: 'timmy' }, user: { id: '1000', name: 'ada' } }
const never = new AbortController().signal
const ask = (request = asked, progress: (line: string) => void = () => {}) => askWatch(path, request, progress, never)

/** A request that the client would not make. */
function post(body: string, { method = 'POST', url = '/operations' } = {}): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({ socketPath: path, path: url, method }, async (response) => {
      let text = ''
      for await (const chunk of response) text += chunk
      resolve({ status: response.statusCode ?? 0, text })
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

describe('the shell and the running watch', () => {
  it('pass a request, its progress and its outcome', async () => {
    const seen: ControlRequest[] = []
    await served(async (request, progress) => {
      seen.push(request)
      progress('check: zuverlässig ✓')
      return { status: 'ok', lines: ['done', ''], data: { tookMs: 5 } }
    })
    const lines: string[] = []
    expect(await ask(asked, (line) => void lines.push(line))).toEqual({ status: 'ok', lines: ['done', ''], data: { tookMs: 5 } })
    expect(seen).toEqual([asked])
    expect(lines).toEqual(['check: zuverlässig ✓'])
  })

  it('pass an outcome that says more than the shell knows', async () => {
    const refused: Outcome = { status: 'refused', lines: ['not now'], passes: true }
    await served(async () => refused)
    expect(await ask()).toEqual({ status: 'refused', lines: ['not now'] })
  })

  it('tell the watch when the one who asked went away before he was answered', async () => {
    const wentAway = Promise.withResolvers<void>()
    await served(async (_request, progress, away) => {
      progress('line 1')
      await new Promise<void>((resolve) => away.addEventListener('abort', () => resolve(), { once: true }))
      wentAway.resolve()
      return { status: 'ok', lines: [] }
    })
    const leaving = new AbortController()
    const answer = askWatch(path, asked, () => leaving.abort(), leaving.signal)
    await expect(answer).rejects.toThrow('Interrupted')
    await wentAway.promise
  })

  it('keep many requests apart', async () => {
    await served(async ({ arguments: args }) => ({ status: 'ok', lines: [args['agent'] ?? ''] }))
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => ask({ ...asked, arguments: { agent: `a-${n}` } })))
    expect(answers.map(({ lines }) => lines[0])).toEqual(answers.map((_, n) => `a-${n}`))
  })

  it('keep every character of a request that comes in pieces', async () => {
    let name = ''
    await served(async ({ user }) => {
      name = user.name
      return { status: 'ok', lines: [] }
    })
    const body = Buffer.from(JSON.stringify({ ...asked, user: { id: '1', name: 'Ädä ✓' } }))
    const socket = connect(path)
    socket.write(`POST /operations HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n`)
    for (const byte of body) {
      socket.write(Uint8Array.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
    socket.resume()
    await once(socket, 'close')
    expect(name).toBe('Ädä ✓')
  })

  it('say that no watch is running where nothing answers, or what answered has gone', async () => {
    await expect(ask()).rejects.toThrow(NotRunningError)
    mkdirSync(join(folder, 'state'))
    writeFileSync(path, 'a file that is no socket')
    await expect(ask()).rejects.toThrow(/No watch is running here/)
    rmSync(path)
    await served(async () => ({ status: 'ok', lines: [] }))
    await stops.pop()?.()
    await expect(ask()).rejects.toThrow(NotRunningError)
  })

  it('say so where the watch stops in the middle of an answer', async () => {
    const begun = Promise.withResolvers<void>()
    await served((_request, progress) => {
      progress('check: looking')
      begun.resolve()
      return new Promise(() => {})
    })
    const answer = ask()
    const expected = expect(answer).rejects.toThrow(/stopped before it had answered/)
    await begun.promise
    await stops.pop()?.()
    await expected
  })

  it('let go of each other when the user interrupts, and the operation goes on', async () => {
    const begun = Promise.withResolvers<void>()
    const finish = Promise.withResolvers<void>()
    const finished = Promise.withResolvers<string>()
    await served(async (_request, progress) => {
      begun.resolve()
      await finish.promise
      progress('nobody hears this')
      finished.resolve('carried to its end')
      return { status: 'ok', lines: [] }
    })
    const interrupt = new AbortController()
    const answer = askWatch(path, asked, () => {}, interrupt.signal)
    const expected = expect(answer).rejects.toThrow(/Interrupted.*goes on in the watch/)
    await begun.promise
    interrupt.abort()
    await expected
    finish.resolve()
    expect(await finished.promise).toBe('carried to its end')
    expect((await post(JSON.stringify(asked))).status).toBe(200)
  })
})

describe('the control socket', () => {
  it('is only for its user', async () => {
    await served(async () => ({ status: 'ok', lines: [] }))
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'state')).mode & 0o777).toBe(0o700)
  })

  it('is refused to a second watch, and the first one goes on', async () => {
    await served(async () => ({ status: 'ok', lines: ['the first'] }))
    await expect(startControlServer(path, async () => ({ status: 'ok', lines: [] }))).rejects.toThrow(AlreadyRunningError)
    expect((await ask()).lines).toEqual(['the first'])
  })

  it('is taken over from a watch that was killed', async () => {
    const gone = await listening(path)
    // A socket file that nobody listens on stays behind, as after kill -9.
    const left = `${path}.left`
    renameSync(path, left)
    await new Promise((resolve) => gone.close(resolve))
    renameSync(left, path)
    await served(async () => ({ status: 'ok', lines: ['the next'] }))
    expect((await ask()).lines).toEqual(['the next'])
  })

  it('answers a request that is too long, or none of ours, instead of cutting it off', async () => {
    let handled = 0
    await served(async () => {
      handled++
      return { status: 'ok', lines: [] }
    })
    const long = JSON.stringify({ ...asked, arguments: { agent: 'x'.repeat(70_000) } })
    for (const answer of [
      await post(long),
      await post('x'.repeat(5_000_000)),
      await post('{'),
      await post('[]'),
      await post(JSON.stringify({ ...asked, more: 1 })),
      await post(JSON.stringify({ ...asked, arguments: { agent: 5 } })),
      await post(JSON.stringify(asked), { method: 'PUT' }),
      await post(JSON.stringify(asked), { url: '/other' }),
      await post('', { method: 'GET', url: '/' }),
    ]) {
      expect(answer.status).toBe(400)
      expect(answer.text).toContain('no request that the watch knows')
    }
    expect(handled).toBe(0)
    expect((await ask()).status).toBe('ok')
  })

  it('survives noise, clients that go away in the middle, and a handler that breaks', async () => {
    await served(async () => {
      throw new Error('a bug')
    })
    for (const noise of ['\u0000\u0001\u0002', 'GET', 'POST /operations HTTP/1.1\r\ncontent-length: 99\r\n\r\n{"oper']) {
      const socket = connect(path)
      await once(socket, 'connect')
      socket.on('error', () => {})
      socket.write(noise, () => socket.destroy())
      await once(socket, 'close')
    }
    expect(await ask()).toEqual({ status: 'failed', lines: ['restart broke inside the watch: a bug'] })
  })

  it('tells a client of another version that it is one', async () => {
    const server = createServer(
      (socket) => void socket.resume().end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'),
    )
    mkdirSync(join(folder, 'state'))
    await new Promise<void>((resolve) => server.listen(path, resolve))
    stops.push(() => new Promise((resolve) => server.close(() => resolve())))
    await expect(ask()).rejects.toThrow(/same version/)
  })
})

describe('where the socket is', () => {
  it('is the state folder, or a short path of the user where that is deep down', () => {
    expect(socketPath('/srv/fleet/var')).toBe('/srv/fleet/var/towerwatch.sock')
    const deep = `/srv/${'x'.repeat(120)}`
    expect(Buffer.byteLength(socketPath(deep))).toBeLessThanOrEqual(100)
    expect(socketPath(deep)).toBe(socketPath(deep))
    expect(socketPath(deep)).not.toBe(socketPath(`${deep}y`))
  })
})

async function listening(at: string): Promise<Server> {
  mkdirSync(join(folder, 'state'))
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(at, resolve))
  return server
}
