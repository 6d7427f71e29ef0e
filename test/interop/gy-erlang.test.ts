// Charging an independent gateway: OTP's diameter, whose dictionary compiler and codec share nothing with ours, names its services and is answered with
// all that the standard has.
import t from 'tap'
import { accounts, faults } from '../compliance/charging-world.ts'
import { testSqlite } from '../compliance/engines.ts'
import { IMSI, preparePhones, registerCell, startGy } from '../compliance/gy-world.ts'
import { erlangSession } from '../emulators/erlang-gy.ts'

t.test('a session of an independent client is charged, and every answer decodes without an error', async (t) => {
  const store = await testSqlite(t).open()
  await preparePhones(store, [IMSI])
  await registerCell(store, 'cell-1', '99970-0000100')
  const { port } = await startGy(t, store)
  const answers = await erlangSession(port, IMSI, 'a')
  const granted = (number: number) => ({
    ...{ number, result: 2001, errors: 0 },
    ...{ ratingGroups: '[10]', granted: '[1000000]' },
  })
  t.same(answers, [
    granted(0),
    granted(1),
    granted(2),
    granted(2),
    { number: 3, result: 2001, errors: 0, ratingGroups: '[]', granted: '[]' },
  ])
  t.equal((await accounts(store))['payer:mvno:consumed:n1:octet'], 25_000n)
  t.same(await store.batch((sql) => sql.rows('select radio_id, uplink, downlink from usage_event order by sequence')), [
    { radio_id: 'cell-1', uplink: 1000n, downlink: 9000n },
    { radio_id: 'cell-1', uplink: 2000n, downlink: 8000n },
    { radio_id: 'cell-1', uplink: 0n, downlink: 5000n },
  ])
  t.same(await faults(store), [])
})
