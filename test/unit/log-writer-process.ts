// A second process on a log: appends and publishes what it is told to, as a command beside a running node does.
import type { Entry } from '../../billing/log/entries/dictionary.ts'
import { openTestLog } from './log-fixture.ts'

const [folder = '', count = '0', name = ''] = process.argv.slice(2)
const { store, log } = await openTestLog(folder)
for (let at = 0; at < Number(count); at++) {
  const entry: Entry = { type: 'correction', entry: BigInt(at), reason: name, octets: 0n }
  await store.batch((sql) =>
    log.append(
      sql,
      Array.from({ length: 1 + (at % 5) }, () => entry),
    ),
  )
  if (at % 3 === 0) await log.flush()
}
await log.flush()
await store.close()
