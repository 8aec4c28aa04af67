/** The floor of beats over HTTP: a bare node:http server that keeps the last body of each path in a Map, and nothing else. */
import { createServer } from 'node:http'

const last = new Map<string, string>()
const server = createServer((request, response) => {
  let body = ''
  request.setEncoding('utf8')
  request.on('data', (chunk: string) => {
    body += chunk
  })
  request.on('end', () => {
    last.set(request.url ?? '', body)
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': 2 })
    response.end('OK')
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object' && address !== null) process.send?.({ port: address.port })
})
// It must not outlive the benchmark.
process.on('disconnect', () => process.exit())
