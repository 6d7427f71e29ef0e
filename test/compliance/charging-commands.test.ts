// What the charging commands ask of the database, on each engine.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { provide, shell } from '../unit/charging-commands-fixture.ts'
import { onEachEngine } from './engines.ts'

onEachEngine('every command that reads or writes charging', async (t, { options }) => {
  const sh = shell(t, {}, options)
  await provide(sh, 'alice', 'bob')
  t.match(await sh.json(['tenant', 'list']), { tenants: [{ tenant: 'default', currency: 'EUR' }] })
  t.match(await sh.json(['plan', 'list']), { plans: [{ plan: 'data-m', version: '1' }] })
  t.match(await sh.json(['plan', 'show', 'data-m']), { current: true, versions: ['1'] })
  t.match(await sh.json(['topup', 'alice', '20', '--reference', 'r1']), { added: true, balance: '20000000' })
  t.match(await sh.json(['topup', 'alice', '20', '--reference', 'r1']), { added: false, balance: '20000000' })
  t.match(await sh.json(['topup', 'bob', '20', '--reference', 'r1'], 65), { error: { code: 'REFERENCE_TAKEN' } })
  t.match(await sh.json(['balance', 'add', 'alice', '--bundle', 'data-m/day-pass', '--paid']), { added: true })
  t.match(await sh.json(['pool', 'add', 'family', 'alice']), { left: null })
  t.match(await sh.json(['balance', 'add', 'alice', '--amount', '1 GB', '--pool']), { owner: 'pool:family' })
  t.match(await sh.json(['pool', 'list']), { members: [{ pool: 'family', subscriber: 'alice' }], more: false })
  const { codes } = await sh.json(['voucher', 'create', '--tenant', 'default', '--count', '40', '--amount', '1'])
  t.match(await sh.json(['voucher', 'redeem', codes[0], 'bob']), { redeemed: true })
  t.match(await sh.json(['voucher', 'redeem', codes[0], 'alice'], 65), { error: { code: 'VOUCHER_REFUSED' } })
  t.match(await sh.json(['voucher', 'list', '--tenant', 'default']), { series: [{ made: '40', redeemed: '1' }] })
  for (const session of ['s1', 's2', 's3']) await sh.use('bob', 1_000_000n, session)
  await sh.open('alice', 's4')
  t.match(await sh.json(['session', 'list', '--open', '--subscriber', 'alice', '--before', '99']), {
    sessions: [{ sessionId: 's4', state: 'open' }],
  })
  t.match(await sh.json(['balance', 'list', 'alice']), { pool: 'family', balances: { length: 3 } })
  t.match(await sh.json(['cdr', 'list', '--subscriber', 'bob', '--before', '3']), {
    records: { length: 2 },
    more: false,
  })
  t.match(await sh.json(['cdr', 'show', '3']), { number: '3', subscriber: 'bob' })
  const directory = join(sh.cwd, 'out')
  const exporting = ['cdr', 'export', '--directory', directory, '--format', 'jsonl']
  t.match(await sh.json(exporting), { records: '3', last: '3' })
  t.match(await sh.json(exporting), { records: '0', last: '3' })
  t.match(await sh.json([...exporting, '--from', '3']), { records: '1', last: '3' })
  t.equal(readdirSync(directory).length, 2)
  t.match(await sh.json(['ledger', 'check']), { whole: true, findings: [] })
  t.match(await sh.json(['ledger', 'statement', 'bob', '--from', '2020-01-01', '--to', '2099-01-01']), {
    transfers: { length: 4 },
    accounts: [{ account: 'subscriber:bob:money:EUR', posted: '994000' }],
  })
  t.match(await sh.json(['ledger', 'accounts', '--owner', 'subscriber:bob', '--unit', 'EUR']), {
    accounts: { length: 1 },
  })
  const out = join(sh.cwd, 'audit.jsonl')
  const { transfers } = await sh.json(['ledger', 'export', '--out', out])
  t.equal(readFileSync(out, 'utf8').trim().split('\n').length, Number(transfers))
  t.match(await sh.json(['ledger', 'export', '--out', out]), { transfers: '0' })
})
