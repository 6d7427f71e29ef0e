// Charging through Debian's freeDiameterd, the stack of Open5GS: the SMF emulator asks it, it asks us, in the clear and over TLS. It is killed, we
// stop and start: in the end the books hold what was reported, once.
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { systemClock } from '../../core/kernel/clock.ts'
import { millis } from '../../core/kernel/units.ts'
import { get } from '../../core/wire/diameter/message.ts'
import { faults } from '../compliance/charging-world.ts'
import { testSqlite } from '../compliance/engines.ts'
import { bearer, IMSI, preparePhones, registerCell, startGy, told } from '../compliance/gy-world.ts'
import {
  type Certificate,
  createCertificates,
  type FreeDiameter,
  startFreeDiameter,
} from '../emulators/freediameter.ts'
import { createInsistentSmf, type InsistentSmf } from '../emulators/gy-insist.ts'
import { until } from '../unit/diameter-fixture.ts'

const HOST = '127.0.0.1'
const RELAY = 'relay.localdomain'
const OCS = 'ocs.localdomain'
const SESSIONS = 4
const UPDATES = 12
const EACH = 12_345n
const now = systemClock()
const at = millis(now - (now % 1000n))

async function session(smf: InsistentSmf, name: string, done: () => void): Promise<void> {
  await smf.ccr(bearer(name), { type: 'INITIAL_REQUEST', number: 0, at })
  for (let number = 1; number <= UPDATES; number++) {
    const used = { seconds: 1, uplink: 1n, downlink: EACH - 1n }
    const answer = await smf.ccr(bearer(name), { type: 'UPDATE_REQUEST', number, at, used, reason: 'THRESHOLD' })
    if (told(answer).octets === undefined) throw new Error(`no grant: ${String(get(answer, 'Result-Code'))}`)
    done()
  }
  const used = { seconds: 1, uplink: 0n, downlink: EACH }
  await smf.ccr(bearer(name), { type: 'TERMINATION_REQUEST', number: UPDATES + 1, at, used, reason: 'FINAL' })
}

for (const tls of [false, true])
  t.test(`restarts on both sides lose and double nothing, ${tls ? 'over TLS' : 'in the clear'}`, async (t: Test) => {
    const folder = t.testdir()
    const store = await testSqlite(t).open()
    await preparePhones(store, [IMSI])
    await registerCell(store, 'cell-1', '99970-1079baf')
    const certificates = createCertificates(folder, [RELAY, OCS]) as Record<string, Certificate>
    const { ca, cert, key } = certificates[OCS] as Certificate
    const secure = { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key) }
    const start = (port: number) =>
      startGy(t, store, {
        peers: [{ identity: RELAY, tlsOnly: tls }],
        listen: [{ host: HOST, port, ...(tls ? { tls: secure } : {}) }],
      })
    let ours = await start(0)
    const { port } = ours
    const launch = (at?: number): Promise<FreeDiameter> =>
      startFreeDiameter({
        folder,
        identity: RELAY,
        realm: 'localdomain',
        admits: ['smf.localdomain'],
        connects: [{ identity: OCS, port, tls }],
        certificate: certificates[RELAY] as Certificate,
        ...(at === undefined ? {} : { port: at }),
      })
    let daemon = await launch()
    t.teardown(() => daemon.stop('SIGKILL'))
    await until(() => ours.node.connected().includes(RELAY))
    const relayPort = daemon.port
    const smf = createInsistentSmf({ host: HOST, port: relayPort })
    let answered = 0
    const done = (): void => void answered++
    const all = Promise.all(Array.from({ length: SESSIONS }, (_, index) => session(smf, `${index}`, done)))
    await until(() => answered >= 10)
    await daemon.stop('SIGKILL')
    daemon = await launch(relayPort)
    await until(() => answered >= 24)
    await ours.stop()
    ours = await start(port)
    await all
    t.ok(smf.repeated() > 0, `${smf.repeated()} requests had to be sent again`)
    const rows = await store.batch((sql) =>
      sql.rows<{ events: bigint; octets: bigint; radios: bigint }>(
        `select count(*) as events, cast(sum(uplink + downlink) as bigint) as octets, count(distinct radio_id) as radios from usage_event`,
      ),
    )
    const events = BigInt(SESSIONS * (UPDATES + 1))
    t.same({ ...rows[0] }, { events, octets: events * EACH, radios: 1n })
    t.same(await faults(store), [])
    smf.close()
  })
