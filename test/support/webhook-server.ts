import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'

export interface WebhookServer {
  url: string
  readonly requests: { method: string; path: string; headers: IncomingHttpHeaders; body: unknown }[]
  answer(how: (number: number) => { status: number; headers?: Record<string, string> }): void
  /** Answers nothing from now on; resolves once the next request has come. */
  hang(): Promise<void>
  stop(): Promise<void>
}

/** An HTTP server on loopback that keeps what is posted to it. `tls`: key and certificate in PEM. */
export async function webhookServer(tls?: { key: string; cert: string }): Promise<WebhookServer> {
  const requests: WebhookServer['requests'] = []
  let answer: Parameters<WebhookServer['answer']>[0] | undefined = () => ({ status: 204 })
  let came = () => {}
  const server: Server = tls ? createTlsServer(tls) : createServer()
  server.on('request', (request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    request.on('end', () => {
      requests.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers, body: JSON.parse(text) })
      came()
      if (!answer) return
      const { status, headers } = answer(requests.length)
      response.writeHead(status, headers)
      response.end('what it says is of no interest')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port')
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${address.port}/hook/very-secret-path?key=very-secret-key`,
    requests,
    answer: (how) => {
      answer = how
    },
    hang: () =>
      new Promise((resolve) => {
        answer = undefined
        came = resolve
      }),
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
