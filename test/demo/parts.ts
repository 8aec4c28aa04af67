/** What stands in for the Tower and the watch where a test is about the fleet. */
import type { DemoInfo } from '../../src/demo/info.ts'
import type { DemoParts } from '../../src/demo/stage.ts'
import type { TowerPlace } from '../../src/demo/tower-place.ts'

export function place(varDir: string): TowerPlace {
  return {
    telnet: { host: '127.0.0.1', port: 4000 },
    web: { url: 'http://127.0.0.1:4001/' },
    websocket: { url: 'ws://127.0.0.1:4002' },
    bridge: { account: 'towerwatch', passwordFile: `${varDir}/secret` },
    player: { account: 'operator', password: 'abc123' },
    visitor: { account: 'visitor', password: 'def456' },
    channel: 'Fleet',
  }
}

/** Says that it is ready and then does nothing until it is ended. */
const WATCH = 'console.log(JSON.stringify({ level: 30, msg: "ready" })); setInterval(() => {}, 1e6)'

export function demoParts(varDir: string): DemoParts {
  return {
    startTower: async () => ({ place: place(varDir), stop: async () => {} }),
    watchCommand: () => [process.execPath, '-e', WATCH],
    watchReadyWithinMs: 20_000,
    hostReturnMs: 60_000,
    now: () => new Date(),
  }
}

export const exampleInfo: DemoInfo = {
  telnet: { host: '127.0.0.1', port: 4000 },
  web: { url: 'http://127.0.0.1:4001/' },
  websocket: { url: 'ws://127.0.0.1:4002' },
  player: { account: 'operator', password: 'abc123' },
  visitor: { account: 'visitor', password: 'def456' },
  channel: 'Fleet',
  tmux: { socket: '/v/demo/tmux.sock' },
  hosts: [
    { id: 'ezra', address: '127.0.0.2', port: 2201, sshdPid: 100 },
    { id: 'bezalel', address: '127.0.0.4', port: 2203, sshdPid: 101 },
  ],
  agents: [
    { id: 'timmy', host: 'local', kind: 'pane', pane: '%0', pid: 4141, heartbeat: '/v/timmy' },
    { id: 'bezalel', host: 'bezalel', kind: 'pane', pane: '%1', pid: 4242, heartbeat: '/v/bezalel' },
    { id: 'gemini', host: 'local', kind: 'process', pid: 4343, heartbeat: '/v/gemini' },
  ],
}
