// A gateway, an access point and a node in one process, to be killed: says each answer, one line each.
import { writeSync } from 'node:fs'
import { radioId, subscriberId } from '../../core/kernel/ids.ts'
import { openStore } from '../../core/store/store.ts'
import { createAccountingStore } from '../../offload/accounting/store.ts'
import { engine, grantOf, NOON, request } from '../compliance/charging-world.ts'

const [url = '', node = ''] = process.argv.slice(2)
const store = await openStore({ url, connections: 4 })
const charging = engine(store, { batch: 8, node })
const account = createAccountingStore(store)

/** A charging session that uses a tenth of each grant. */
async function gateway(session: string): Promise<void> {
  let granted = grantOf(await charging.open(request({ session, number: 0n })))
  for (let number = 1n; ; number++) {
    const octets = granted / 10n
    granted = grantOf(await charging.update(request({ session, number, octets, at: NOON + number })))
    writeSync(1, `gy ${session} ${number} ${octets}\n`)
  }
}

/** An accounting session of 100 octets a report. */
async function accessPoint(sessionId: string): Promise<void> {
  for (let number = 1n; ; number++) {
    const at = NOON + number
    const total = number * 100n
    const none = { total: 0n, gigawords: false }
    await account([
      {
        kind: 'session',
        report: {
          ...{ status: 'interim', at, timestamped: true, seconds: number, uplink: none, identity: '' },
          downlink: { total, gigawords: false },
        },
        ...{ origin: 'radius:ap', sessionId, radio: radioId('ap-1'), subscriber: subscriberId('alice-data') },
        ...{ access: 'wifi', received: at },
      },
    ])
    writeSync(1, `ap ${sessionId} ${number} 100\n`)
  }
}

await Promise.all([0, 1, 2, 3].flatMap((index) => [gateway(`${node}.${index}`), accessPoint(`${node}.${index}`)]))
