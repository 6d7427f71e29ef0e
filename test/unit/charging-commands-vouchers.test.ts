import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { provide, refuses, shell } from './charging-commands-fixture.ts'

const create = (...words: string[]): string[] => ['voucher', 'create', ...words]
const ofDefault = (...words: string[]): string[] => create('--tenant', 'default', ...words)

t.test('what is wrong makes no voucher', async (t) => {
  const sh = shell(t)
  await provide(sh, 'alice')
  mkdirSync(join(sh.cwd, 'folder'))
  writeFileSync(join(sh.cwd, 'old.csv'), 'mine')
  const one = ['--count', '1', '--amount', '5']
  await refuses(t, sh, [
    [create(...one), 64, /'--tenant' is required/],
    [create('--tenant', 'Nobody!', ...one), 64, /payer id 'Nobody!'/],
    [create('--tenant', 'nobody', ...one), 65, /the tenant 'nobody' has no currency/],
    [ofDefault('--amount', '5'), 64, /'--count' is required/],
    [ofDefault('--count', '0', '--amount', '5'), 64, /--count '0'.*from 1 to 100000/],
    [ofDefault('--count', '100001', '--amount', '5'), 64, /--count '100001'/],
    [ofDefault('--count', '1'), 64, /'--amount' or --bundle: expected exactly one/],
    [ofDefault(...one, '--bundle', 'data-m/day-pass'), 64, /expected exactly one/],
    [ofDefault('--count', '1', '--amount', '5 EUR'), 64, /amount '5 EUR'/],
    [ofDefault('--count', '1', '--bundle', 'data-m/none'), 65, /there is no 'data-m\/none'/],
    [ofDefault(...one, '--expires', '2020-01-01'), 64, /--expires '2019-12-31T23:00:00Z'.*in the future/],
    [ofDefault(...one, '--expires', 'soon'), 64, /time 'soon'/],
    [ofDefault(...one, '--series', 'a b'), 64, /--series 'a b'/],
    [ofDefault(...one, '--out', join(sh.cwd, 'old.csv')), 73, /cannot write the file .*old.csv: EEXIST/],
    [ofDefault(...one, '--out', join(sh.cwd, 'no/such.csv')), 73, /cannot write the file .*such.csv: ENOENT/],
    [['voucher', 'list'], 64, /'--tenant' is required/],
    [['voucher', 'redeem', 'ABCD'], 64, /SUBSCRIBER is missing/],
    [['voucher', 'redeem', 'ABCD', 'bob'], 65, /there is no subscriber 'bob'/],
    [['voucher', 'redeem', 'ABCD', 'alice'], 65, /the voucher cannot be redeemed: it is not known/],
  ])
  t.equal(readFileSync(join(sh.cwd, 'old.csv'), 'utf8'), 'mine')
  t.match(await sh.run('voucher', 'list', '--tenant', 'default'), {
    stdout: /No vouchers yet. Make some: tallycell voucher create/,
  })
})

t.test('money: shown once, redeemed once, stored nowhere', async (t) => {
  const sh = shell(t)
  await provide(sh, 'alice', 'bob')
  await sh.json(['tenant', 'set', 'other', '--currency', 'EUR'])
  await sh.json(['subscriber', 'add', 'carol', '--imsi', '001010000000077', '--payer', 'other'])
  const made = await sh.run(
    ...ofDefault('--count', '2', '--amount', '10', '--series', 'spring', '--expires', '2099-01-01'),
  )
  t.match(
    made.stderr,
    /^Made 2 vouchers of 10\.00 EUR, redeemable before 2098-12-31T23:00:00Z, series spring. Keep the codes/,
  )
  const [code = '', second = ''] = made.stdout.trim().split('\n')
  for (const each of [code, second]) t.match(each, /^([2-9A-HJ-NP-Z]{4}-){3}[2-9A-HJ-NP-Z]{4}$/)
  t.not(code, second)
  const data = join(sh.cwd, 'tallycell-data')
  for (const name of readdirSync(data).filter((file) => file.startsWith('tallycell.db'))) {
    const octets = readFileSync(join(data, name), 'latin1')
    t.notOk(octets.includes(code) || octets.includes(code.replaceAll('-', '')), `${name} does not hold the code`)
  }
  t.match(await sh.run('voucher', 'redeem', code, 'carol'), { exit: 65, stderr: /not known/ }, 'of another tenant')
  t.match(await sh.run('voucher', 'redeem', code.toLowerCase().replaceAll('-', ' '), 'alice'), {
    exit: 0,
    stdout: /alice has redeemed the voucher/,
  })
  t.match(await sh.json(['voucher', 'redeem', code, 'alice']), { redeemed: true }, 'again by the same')
  t.match(await sh.json(['balance', 'list', 'alice']), { balances: { 0: { left: '10000000' }, length: 1 } })
  await refuses(t, sh, [[['voucher', 'redeem', code, 'bob'], 65, /it is used/]])
  t.match(await sh.json(['voucher', 'list', '--tenant', 'default']), {
    series: [
      { series: 'spring', amount: '10000000', bundle: null, made: '2', redeemed: '1', expires: '2098-12-31T23:00:00Z' },
    ],
  })
  t.match((await sh.run('voucher', 'list', '--tenant', 'default')).stdout, /spring +10\.00 EUR +2 +1 +2098-12-31/)
  t.same((await sh.json(['voucher', 'list', '--tenant', 'other'])).series, [])
  t.match(await sh.json(['ledger', 'check']), { whole: true })
})

t.test('bundles, into a file', async (t) => {
  const sh = shell(t)
  await provide(sh, 'alice')
  const out = join(sh.cwd, 'codes.csv')
  const made = await sh.json(ofDefault('--count', '3', '--bundle', 'data-m/day-pass', '--out', out))
  t.match(made, { count: 3, worth: 'data-m/day-pass', file: out, series: /^\d{4}-\d\d-\d\d-[0-9a-f]{6}$/ })
  t.notOk('codes' in made)
  t.equal(statSync(out).mode & 0o777, 0o600)
  const lines = readFileSync(out, 'utf8').trim().split('\r\n')
  t.equal(lines[0], 'code,series,worth,expires')
  t.equal(lines.length, 4)
  const [code = ''] = lines[1]?.split(',') ?? []
  await sh.json(['voucher', 'redeem', code, 'alice'])
  t.match(await sh.json(['balance', 'list', 'alice']), { balances: [{ offer: 'data-m/day-pass', left: '1000000000' }] })
  // A key that cannot be read: nothing is made, and no file stays.
  writeFileSync(join(sh.cwd, 'tallycell-data/keys/vouchers.secret'), 'damaged')
  const lost = join(sh.cwd, 'lost.csv')
  t.match(await sh.run(...ofDefault('--count', '1', '--amount', '1', '--out', lost)), { exit: 78 })
  t.notOk(existsSync(lost))
  t.match(await sh.json(['voucher', 'list', '--tenant', 'default']), { series: { length: 1 } })
})

t.test('captive vouchers: name and password, for a prepaid plan and its bundle only', async (t) => {
  const sh = shell(t)
  await provide(sh, 'alice')
  await refuses(t, sh, [[ofDefault('--count', '1', '--amount', '5', '--captive'), 64, /'--captive' expected --bundle/]])
  const made = await sh.json(ofDefault('--count', '2', '--captive', '--bundle', 'data-m/day-pass'), 0).catch(String)
  t.match(made, { count: 2, codes: [/^[2-9a-hj-np-z]{8} [2-9a-hj-np-z]{12}$/, String] })
})
