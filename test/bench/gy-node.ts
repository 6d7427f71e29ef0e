// The node of the Gy bench, in a process of its own: subscribers at the flat tariff, a store on disk, durable before answered. Says its port.
// Usage: gy-node.ts DATABASE SUBSCRIBERS
import { writeSync } from 'node:fs'
import { imsi, payerId, planId, subscriberId } from '../../core/kernel/ids.ts'
import { millis } from '../../core/kernel/units.ts'
import { openStore } from '../../core/store/store.ts'
import { addSubscribers } from '../../sim-provisioning/profiles/store.ts'
import { startGy } from '../compliance/gy-world.ts'
import { imsiOf } from './gy-load.ts'

const [path = '', count = '0'] = process.argv.slice(2)
const SET = 5000
const store = await openStore({ path })
for (let first = 0; first < Number(count); first += SET) {
  const size = Math.min(SET, Number(count) - first)
  const all = Array.from({ length: size }, (_, index) => ({
    subscriber: subscriberId(`s-${first + index}`),
    imsi: imsi(imsiOf(first + index)),
    payer: payerId('default'),
    plan: planId('flat'),
  }))
  await addSubscribers(store, all, millis(0n))
}
const world = await startGy({ teardown: () => undefined } as never, store, {
  maxOutstanding: 65_536,
  busyAfter: 60_000,
})
writeSync(1, `${world.port}\n`)
