/** The part of telnetlib 1.0.2 that the guard uses; the package has no types. */
declare module 'telnetlib' {
  import type { EventEmitter } from 'node:events'
  import type { NetConnectOpts, Socket } from 'node:net'

  export class TelnetOption extends EventEmitter {
    constructor(socket: TelnetSocket, code: number)
    readonly code: number
    readonly socket: TelnetSocket
    handleWill(): void
    handleWont(): void
    handleDo(): void
    handleDont(): void
    subnegotiation(payload: Buffer): void
  }

  export interface TelnetSocket extends EventEmitter {
    readonly socket: Socket
    readonly options: Map<number, TelnetOption>
    readonly reader: { flushPolicy: { endOfChunk: boolean } }
  }

  export function createConnection(
    options: NetConnectOpts & {
      remoteOptions: number[]
      localOptions: number[]
      receiveBufferMax: number
      subnegotiationBufferMax: number
    },
  ): TelnetSocket
}
