// A newcomer's path through prepaid charging, by the real program: from the example plan to records and books that balance.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createCharging } from '../../billing/charging/charging.ts'
import type { QuotaRequest } from '../../core/events/quota.ts'
import { subscriberId } from '../../core/kernel/ids.ts'
import { microtokens, millis } from '../../core/kernel/units.ts'
import { openStore } from '../../core/store/store.ts'
import { createSubscriberDirectory } from '../../sim-provisioning/module.ts'
import { createTestNode } from '../emulators/node.ts'

const ROOT = join(import.meta.dirname, '../..')

t.test('from an empty folder to records', async (t) => {
  const folder = t.testdir()
  const node = await createTestNode({ folder, secret: 'x' })
  const text = (words: readonly string[], input = ''): string =>
    execFileSync(
      process.execPath,
      ['--import=tsx', join(ROOT, 'main.ts'), ...words, '--config', join(folder, 'tallycell.yaml')],
      { cwd: ROOT, encoding: 'utf8', input },
    )
  const example = text(['plan', 'example'])
  const file = join(folder, 'plan.yaml')
  writeFileSync(file, example)
  t.match(await node.command('plan', 'check', file), { plan: 'data-m', version: '1' })
  t.match(await node.command('tenant', 'set', 'default', '--currency', 'EUR'), { currency: 'EUR', decimals: 2 })
  t.match(text(['plan', 'add', '-'], example), /The catalogue has version 1 of the prepaid plan default\/data-m/)
  await node.command('subscriber', 'add', 'alice', '--imsi', '001010000000001', '--plan', 'data-m')
  t.match(await node.command('topup', 'alice', '10.00', '--reference', 'first'), { added: true, balance: '10000000' })
  t.match(await node.command('balance', 'list', 'alice'), { balances: [{ kind: 'money', left: '10000000' }] })

  // A network asks for quota while the commands run beside it.
  const store = await openStore({ path: node.database })
  t.teardown(() => store.close())
  const subscribers = createSubscriberDirectory(store)
  await subscribers.load()
  const charging = createCharging({ store, subscribers }, { price: microtokens(2000n) })
  const noon = Date.parse('2026-11-20T12:00:00Z')
  const request = (number: number, downlink: bigint, wanted: boolean): QuotaRequest => ({
    origin: 'gy:smf.example',
    sessionId: 'smf.example;1;1',
    number: BigInt(number),
    at: millis(noon + number * 60_000),
    subscriber: subscriberId('alice'),
    context: { access: 'lte', radio: undefined, visitedPlmn: undefined },
    services: [
      {
        ratingGroup: 10n,
        used: downlink === 0n ? [] : [{ uplink: 0n, downlink, seconds: 60n, units: 0n, tariff: undefined }],
        wanted,
      },
    ],
  })
  t.match(await charging.open(request(0, 0n, true)), { result: 'success', services: [{ result: 'granted' }] })
  t.match(await node.command('session', 'list', '--open'), { sessions: [{ subscriber: 'alice', state: 'open' }] })
  t.match(await node.command('ledger', 'check'), { whole: true }, 'the books are whole while a session is open')
  await charging.update(request(1, 60_000_000n, true))
  await charging.close(request(2, 40_000_000n, false))

  t.match(await node.command('balance', 'list', 'alice'), { balances: [{ left: '9800000', reserved: '0' }] })
  const directory = join(folder, 'cdr')
  const exported = await node.command('cdr', 'export', '--directory', directory, '--format', 'csv')
  t.match(exported, { records: '1', last: '1', files: { length: 1 } })
  t.match(await node.command('cdr', 'export', '--directory', directory, '--format', 'csv'), { records: '0', files: [] })
  const [name = ''] = readdirSync(directory)
  t.match(
    readFileSync(join(directory, name), 'utf8'),
    /\r\n1,1,,normal-release,default,alice,001010000000001,.*,100000000,120,0,0,0,day,200000,200000,EUR\r\n$/,
  )
  t.match(await node.command('ledger', 'statement', 'alice'), {
    accounts: [{ account: 'subscriber:alice:money:EUR', posted: '9800000', pending: '0' }],
  })
  t.match(await node.command('ledger', 'check'), { whole: true })
})
