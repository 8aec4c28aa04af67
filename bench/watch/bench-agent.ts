/** One of the fleet that posts beats in the benchmark: the server and whoever posts agree on it by its number. */
export function benchAgent(index: number): { id: string; token: string } {
  return { id: `agent-${index}`, token: `token-of-agent-${index}-0123456789abcdef` }
}
