// kill -9 in mid-load: after the restart the SMF's retransmissions get their original answers, and the books hold what was reported, once.
import { join } from 'node:path'
import { systemClock } from '../../core/kernel/clock.ts'
import { millis } from '../../core/kernel/units.ts'
import { createInsistentSmf } from '../emulators/gy-insist.ts'
import type { GyReport } from '../emulators/gy-smf.ts'
import { launch, type Running } from '../emulators/program.ts'
import { until } from '../unit/diameter-fixture.ts'
import { accounts, faults, PLAN } from './charging-world.ts'
import { onEachEngine } from './engines.ts'
import { bearer, IMSI, preparePhones, told } from './gy-world.ts'

const SESSIONS = 8
const UPDATES = 40
const EACH = 1000n
/** Answers between two kills. */
const KILLS = [30, 90, 170]
const now = systemClock()
const at = millis(now - (now % 1000n))

const report = (number: number): GyReport => {
  const used = { seconds: 1, uplink: 1n, downlink: EACH - 1n }
  return { type: 'UPDATE_REQUEST', number, at, used, reason: 'THRESHOLD' }
}

onEachEngine('killed in mid-load, nothing is lost, doubled or answered otherwise', async (t, database) => {
  const store = await database.open()
  await preparePhones(store, [IMSI], { plans: [{ ...PLAN, sessions: 100 } as typeof PLAN] })
  const program = join(import.meta.dirname, 'gy-killed.ts')
  const start = (port: number): Promise<Running> =>
    launch(process.execPath, ['--import=tsx', program, JSON.stringify(database.options), String(port)], {
      patience: 30_000,
      ready: (output) => /^\d+\n/m.test(output),
    })
  let node = await start(0)
  t.teardown(() => node.stop('SIGKILL'))
  const port = Number(/^\d+/m.exec(node.output())?.[0])
  const smf = createInsistentSmf({ host: '127.0.0.1', port })
  let answered = 0
  const given = new Map<string, unknown>()
  const session = async (name: string): Promise<void> => {
    await smf.ccr(bearer(name), { type: 'INITIAL_REQUEST', number: 0, at })
    for (let number = 1; number <= UPDATES; number += 2) {
      // Two at once, as a busy gateway has them.
      const both = await Promise.all([number, number + 1].map((each) => smf.ccr(bearer(name), report(each))))
      given.set(`${name} ${number + 1}`, told(both[1] as NonNullable<(typeof both)[1]>))
      answered += 2
    }
  }
  const all = Promise.all(Array.from({ length: SESSIONS }, (_, index) => session(`${index}`)))
  for (const count of KILLS) {
    await until(() => answered >= count)
    await node.stop('SIGKILL')
    node = await start(port)
  }
  await all
  t.ok(smf.repeated() > 0, `${smf.repeated()} requests were sent again`)
  for (let index = 0; index < SESSIONS; index++) {
    const again = await smf.ccr(bearer(`${index}`), report(UPDATES))
    t.same(told(again), given.get(`${index} ${UPDATES}`), 'the last answer once more')
    await smf.ccr(bearer(`${index}`), { type: 'TERMINATION_REQUEST', number: UPDATES + 1, at, reason: 'FINAL' })
  }
  const [row] = await store.batch((sql) =>
    sql.rows<{ events: bigint; octets: bigint }>(
      'select count(*) as events, cast(sum(uplink + downlink) as bigint) as octets from usage_event',
    ),
  )
  const events = BigInt(SESSIONS * UPDATES)
  t.same({ ...row }, { events, octets: events * EACH })
  t.equal((await accounts(store))['payer:mvno:consumed:n1:octet'], events * EACH)
  t.same(await faults(store), [])
  smf.close()
})
