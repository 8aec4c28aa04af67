/** What is declared of a host itself, as lines that come before those of its agents (gate/declare.sh). Pure. */
import type { HostDeclaration, ServiceDeclaration } from '../../ports/host.ts'
import { DeclarationError, limits } from './gate-protocol.ts'

/** Throws DeclarationError for values that a line cannot carry. */
export function encodeHost({ sockets, services }: Pick<HostDeclaration, 'sockets' | 'services'>): string[] {
  return [...sockets.map(encodeSocket), ...services.flatMap(encodeService)]
}

function encodeSocket(socket: string, index: number): string {
  const where = `sockets[${index}]`
  if (/[\n\0]/.test(socket)) throw new DeclarationError(`${where} holds a newline or a NUL, which a gate cannot be told`)
  if (Buffer.byteLength(socket) > limits.lineBytes - 2) throw new DeclarationError(`${where} is too long`)
  if (!socket.startsWith('/')) throw new DeclarationError(`${where} is not an absolute path`)
  return `X:${socket}`
}

/** As gate/services.sh takes it: never an option, never a quote, a blank or a sign that a shell or a program reads. */
const valuePattern = /^[A-Za-z0-9:/?&=%._~#@!,+][A-Za-z0-9:/?&=%._~#@!,+-]{0,399}$/

function encodeService(service: ServiceDeclaration): string[] {
  const values = valuesOf(service)
  const bad = values.find((value) => !valuePattern.test(value))
  if (bad !== undefined)
    throw new DeclarationError(`services.${service.id} holds ${JSON.stringify(bad.slice(0, 40))}, which a gate does not take`)
  return [`V:${service.id}`, `v:${service.kind}`, ...values.map((value) => `w:${value}`)]
}

function valuesOf(service: ServiceDeclaration): string[] {
  switch (service.kind) {
    case 'unit':
      return [service.unit, service.scope]
    case 'launchd':
      return [service.label, service.scope]
    case 'process':
      return [service.name]
    case 'tcp':
      return [service.address, String(service.port)]
    case 'http':
      return [service.url, ...(service.status === undefined ? [] : [String(service.status)])]
  }
}
