import { join } from 'node:path'
import t from 'tap'
import { closePeriods } from '../../billing/charging/invoice/store.ts'
import { millis } from '../../core/kernel/units.ts'
import { shell } from './charging-commands-fixture.ts'

const PLAN = `tenant: mvno
id: fine
version: 1
name: Fine
kind: prepaid
tariffs: [{ name: any, when: {}, price: { octets: 123456 } }]
grant: { largest: { octets: 100 MB }, least: { octets: 10 kB }, validity: 60 }
`

t.test('invoices are listed and shown', async (t) => {
  const { cwd, run, json, use, withStore } = shell(t, { 'fine.yaml': PLAN })
  await json(['tenant', 'set', 'mvno', '--currency', 'EUR', '--time-zone', 'Europe/Berlin'])
  await json(['plan', 'add', join(cwd, 'fine.yaml')])
  await json(['subscriber', 'add', 'alice', '--imsi', '001010000000001', '--payer', 'mvno', '--plan', 'fine'])
  await json(['topup', 'alice', '20.00', '--reference', 'a'])
  t.same(await json(['invoice', 'list']), { invoices: [], more: false })
  t.match((await run('invoice', 'list')).stdout, 'No invoices yet')
  await use('alice', 10_000_000n)
  // The session is of 2027-01-15.
  const made = millis(Date.parse('2027-02-01T00:00:00Z'))
  t.equal(await withStore((store) => store.batch((sql) => closePeriods(sql, made))), 1)
  t.match(await json(['invoice', 'list', '--subscriber', 'alice']), {
    invoices: [
      {
        invoice: '1',
        tenant: 'mvno',
        subscriber: 'alice',
        month: '2027-01',
        exact: '1234560',
        rounded: '1230000',
        owed: '0',
      },
    ],
    more: false,
  })
  t.match((await run('invoice', 'list', '--tenant', 'mvno')).stdout, /alice +2027-01 +1\.23 EUR/)
  const shown = (await run('invoice', 'show', '1')).stdout
  t.match(shown, '2027-01: 2026-12-31T23:00:00Z to 2027-01-31T23:00:00Z')
  t.match(shown, '1.234560 EUR')
  t.match(shown, '-0.004560 EUR')
  const missing = await run('invoice', 'show', '9')
  t.equal(missing.exit, 65)
  t.match(missing.stderr, 'there is no invoice 9')
  t.equal((await run('invoice', 'list', '--subscriber', 'nobody')).exit, 65)
})
