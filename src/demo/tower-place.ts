import type { DemoInfo } from './info.ts'

/** Where the Tower is and who may come in. */
export type TowerPlace = Pick<DemoInfo, 'telnet' | 'web' | 'websocket' | 'player' | 'visitor' | 'channel'> & {
  /** The watch's own account. */
  bridge: { account: string; passwordFile: string }
}
