/** An address as sockets want it: in a URL, and before a port, an IPv6 address stands in brackets. */
export function bareHost(host: string): string {
  return host.replace(/^\[|\]$/g, '')
}
