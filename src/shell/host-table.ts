/** What each key of an installed host can do. docs/keys.md has the same table, and a test tries each of its lines. */

export interface KeyRow {
  what: string
  probe: 'yes' | 'no'
  act: 'yes' | 'no'
}

const row = (what: string, probe: KeyRow['probe'], act: KeyRow['act']): KeyRow => ({ what, probe, act })

export const keyTable: readonly KeyRow[] = [
  row('look at the heartbeats and processes of an agent in the allow-list', 'yes', 'yes'),
  row('ask for the health of the host', 'yes', 'yes'),
  row('list the panes of the tmux servers in the allow-list', 'yes', 'yes'),
  row('read the log of an agent in the allow-list', 'yes', 'yes'),
  row('compare the settings of an agent in the allow-list', 'yes', 'yes'),
  row('restart an agent in the allow-list, as it says there', 'no', 'yes'),
  row('revive a dead pane of a tmux server in the allow-list', 'no', 'yes'),
  row('keep the settings of an agent in the allow-list as good', 'no', 'yes'),
  row('put back settings that were kept', 'no', 'yes'),
  row('declare an agent that is not in the allow-list', 'no', 'no'),
  row('declare one that is, with another start command', 'no', 'no'),
  row('declare one that is, with another file to be read', 'no', 'no'),
  row('watch a tmux server that is not in the allow-list', 'no', 'no'),
  row('check a service that is not in the allow-list', 'no', 'no'),
  row('run a command', 'no', 'no'),
  row('open a shell', 'no', 'no'),
  row('get a terminal', 'no', 'no'),
  row('copy files with sftp', 'no', 'no'),
  row('copy files with scp', 'no', 'no'),
  row('reach another port through the host', 'no', 'no'),
  row('open a port on the host', 'no', 'no'),
  row('take the ssh agent of the watch along', 'no', 'no'),
  row('set LANG and LC_…, where the host takes them (AcceptEnv)', 'yes', 'yes'),
]

/** As lines of text, for the shell. */
export function sayKeyTable(): string[] {
  const width = Math.max(...keyTable.map(({ what }) => what.length))
  const line = (what: string, probe: string, act: string) => `  ${what.padEnd(width)}  ${probe.padEnd(9)}  ${act}`
  return [line('', 'probe key', 'act key'), ...keyTable.map(({ what, probe, act }) => line(what, probe, act))]
}
