import { fakeTower } from '../fakes/tower.ts'
import { realClock as clock } from '../support/real-clock.ts'
import { towerTransportContract } from './tower-transport.ts'

const account = { name: 'towerwatch', password: 'right-words' }
const hashes = { protocol: 'a'.repeat(64), operations: 'b'.repeat(64) }

towerTransportContract('the fake', () => {
  const nowhere = fakeTower({ clock, account, hashes })
  nowhere.portalDown()
  const silent = fakeTower({ clock, account, hashes })
  silent.serverDown()
  return {
    transport: fakeTower({ clock, account, hashes }).transport,
    account,
    hashes,
    nowhere: nowhere.transport,
    silent: silent.transport,
  }
})
