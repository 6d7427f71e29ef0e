import t from 'tap'
import { provide, refuses, shell } from './charging-commands-fixture.ts'

const topup = (...words: string[]): string[] => ['topup', ...words]

t.test('a top-up: once for a reference, and nothing for what is wrong', async (t) => {
  const sh = shell(t)
  await refuses(t, sh, [
    [topup('alice', '5.00'), 64, /'--reference' is required/],
    [topup('alice', '5.00', '--reference', 'a b'), 64, /--reference 'a b' is not valid: expected 1 to 100/],
    [topup('alice', '5.00', '--reference', 'r1'), 65, /there is no subscriber 'alice'/],
    [topup('Alice!', '5.00', '--reference', 'r1'), 64, /subscriber id 'Alice!'/],
  ])
  await sh.json(['subscriber', 'add', 'early', '--imsi', '001010000000099'])
  await refuses(t, sh, [[topup('early', '5.00', '--reference', 'r1'), 65, /the tenant 'default' has no currency/]])
  await provide(sh, 'alice', 'bob')
  for (const amount of ['0', '0.00', '1.234', '-1', 'ten', '1,50', '1e3', '9999999999999'])
    t.match(
      await sh.run(...topup('alice', `--reference=r1`, '--', amount)),
      { exit: 64, stderr: /amount '.*' is not valid: expected more than 0 EUR, at most 2 decimal places/ },
      amount,
    )
  t.match(await sh.run('balance', 'list', 'alice'), {
    stdout: /No money and no bundles.\nAdd money: tallycell topup alice/,
  })
  const added = { subscriber: 'alice', amount: '12500000', currency: 'EUR', added: true, balance: '12500000' }
  t.match(await sh.json(topup('alice', '12.5', '--reference', 'till/1')), added)
  t.match(await sh.json(topup('alice', '12.50', '--reference', 'till/1')), { ...added, added: false })
  t.match(await sh.run(...topup('alice', '12.50', '--reference', 'till/1')), {
    exit: 0,
    stdout: /booked before: nothing changed/,
  })
  await refuses(t, sh, [
    [
      topup('alice', '13.00', '--reference', 'till/1'),
      65,
      /'till\/1' stands for something else already: 12.50 EUR for subscriber:alice/,
    ],
    [topup('bob', '12.50', '--reference', 'till/1'), 65, /stands for something else/],
  ])
  t.match(await sh.run(...topup('alice', '1', '--reference', 'till/2')), {
    stdout: 'Added 1.00 EUR to alice, who has 13.50 EUR now.\n',
  })
  t.match(await sh.json(['balance', 'list', 'alice']), {
    currency: 'EUR',
    plan: { id: 'data-m', version: '1', kind: 'prepaid' },
    balances: { 0: { kind: 'money', left: '13500000', reserved: '0', expires: null } },
    owed: null,
  })
})

const add = (...words: string[]): string[] => ['balance', 'add', ...words]

t.test('bundles: given, sold, refused', async (t) => {
  const sh = shell(t)
  await provide(sh, 'alice')
  await refuses(t, sh, [
    [add('alice'), 64, /'--bundle' or --amount: expected exactly one/],
    [add('alice', '--bundle', 'data-m/day-pass', '--amount', '1 GB'), 64, /expected exactly one/],
    [add('alice', '--amount', '1 GB', '--paid'), 64, /'--paid' is for bundles/],
    [add('alice', '--bundle', 'data-m/day-pass', '--expires', '2099-01-01'), 64, /'--expires' goes with --amount/],
    [add('alice', '--bundle', 'data-m/none'), 65, /there is no 'data-m\/none' in the catalogue/],
    [add('alice', '--bundle', 'data-x/day-pass'), 65, /there is no 'data-x\/day-pass'/],
    [add('alice', '--bundle', 'data-m'), 65, /there is no 'data-m'/],
    [add('alice', '--bundle', 'data-m/day-pass/x'), 65, /there is no 'data-m\/day-pass\/x'/],
    [add('alice', '--amount', '5'), 64, /amount '5'.*such as '10 GB'/],
    [add('alice', '--amount', '0 GB'), 64, /amount '0 GB'/],
    [add('alice', '--amount', '5 EUR'), 64, /amount '5 EUR'/],
    [add('alice', '--amount', '999999999999999999 TB'), 64, /amount '9+ TB'/],
    [
      add('alice', '--amount', '1 GB', '--expires', '2020-01-01'),
      64,
      /--expires '2019-12-31T23:00:00Z'.*in the future/,
    ],
    [add('alice', '--amount', '1 GB', '--expires', '2027-02-30'), 64, /time '2027-02-30'/],
    [add('alice', '--amount', '1 GB', '--priority', '1001'), 64, /--priority '1001'/],
    [add('bob', '--amount', '1 GB'), 65, /there is no subscriber 'bob'/],
    [add('alice', '--amount', '1 GB', '--pool'), 65, /'alice' is a member of no pool/],
    [add('alice', '--bundle', 'data-m/family', '--pool'), 64, /'--pool' goes with --amount/],
    [
      add('alice', '--bundle', 'data-m/day-pass', '--paid'),
      70,
      /account subscriber:alice:money:EUR would fall to -1500000/,
    ],
  ])
  t.same((await sh.json(['balance', 'list', 'alice'])).balances, [], 'nothing was given for nothing')
  await sh.json(['topup', 'alice', '2', '--reference', 'r1'])
  const sold = await sh.json(add('alice', '--bundle', 'data-m/day-pass', '--paid', '--reference', 'shop-1'))
  t.match(sold, { unit: 'octet', amount: '1000000000', price: '1.50 EUR', added: true, reference: 'shop-1' })
  t.match(await sh.json(add('alice', '--bundle', 'data-m/day-pass', '--paid', '--reference', 'shop-1')), {
    added: false,
  })
  t.match(await sh.json(add('alice', '--amount', '100 min', '--expires', '2099-01-01')), {
    unit: 'second',
    amount: '6000',
    expires: '2098-12-31T23:00:00Z',
    reference: /^gift-[0-9a-f]{16}$/,
  })
  const { stdout } = await sh.run('balance', 'list', 'alice')
  t.match(stdout, /^alice is charged by the prepaid plan default\/data-m version 1.\n\nWHAT .*\n/)
  t.match(stdout, /data-m\/day-pass +subscriber:alice +1\.0 GB +0 B +1\.0 GB +20/)
  t.match(stdout, /bundle +subscriber:alice +6000 s +0 s +6000 s +2098-12-31T23:00:00Z +any/)
  t.match(stdout, /money +subscriber:alice +0\.50 EUR +0\.00 EUR +- +never/)
  t.match(await sh.json(['ledger', 'check']), { whole: true })
})

t.test('pools: members of one tenant share what the pool has', async (t) => {
  const sh = shell(t)
  await provide(sh, 'alice', 'bob')
  await sh.json(['subscriber', 'add', 'carol', '--imsi', '001010000000077', '--payer', 'other'])
  t.match(await sh.run('pool', 'list'), { stdout: /No pools yet. Make one: tallycell pool add POOL SUBSCRIBER/ })
  await refuses(t, sh, [
    [['pool', 'add', 'family'], 64, /SUBSCRIBER is missing/],
    [['pool', 'add', 'My Pool', 'alice'], 64, /pool id 'My Pool'/],
    [['pool', 'add', 'family', 'dave'], 65, /there is no subscriber 'dave'/],
    [['pool', 'remove', 'family', 'alice'], 65, /'alice' is no member of the pool 'family'/],
    [['pool', 'list', '--limit', '0'], 64, /--limit '0'/],
  ])
  t.same(await sh.json(['pool', 'add', 'family', 'alice']), { pool: 'family', subscriber: 'alice', left: null })
  t.match(await sh.run('pool', 'add', 'family', 'alice'), { stdout: /member of family already/ })
  await sh.json(['pool', 'add', 'family', 'bob'])
  await refuses(t, sh, [
    [
      ['pool', 'add', 'family', 'carol'],
      65,
      /the pool 'family' belongs to the tenant default, the subscriber 'carol' to other/,
    ],
  ])
  t.match(await sh.json(add('alice', '--amount', '1 B', '--pool', '--expires', '2099-01-01')), { owner: 'pool:family' })
  t.match(await sh.json(add('alice', '--bundle', 'data-m/family')), { owner: 'pool:family', expires: null })
  t.match(await sh.json(['balance', 'list', 'bob']), {
    pool: 'family',
    balances: { length: 2 },
  })
  await sh.use('bob', 5_000_000_000n)
  t.match(
    (await sh.run('balance', 'list', 'alice')).stdout,
    /data-m\/family +pool:family +15\.0 GB +0 B +20\.0 GB +never/,
  )
  t.match(await sh.run('pool', 'add', 'office', 'bob'), { stdout: /It left the pool family/ })
  t.match(
    (await sh.run('pool', 'list')).stdout,
    /^POOL +SUBSCRIBER +TENANT\nfamily +alice +default\noffice +bob +default\n$/,
  )
  await sh.json(['pool', 'remove', 'family', 'alice'])
  t.same(await sh.json(['pool', 'list', 'family']), { members: [], more: false })
  await refuses(t, sh, [[['pool', 'add', 'family', 'carol'], 65, /belongs to the tenant default/]])
  t.match(await sh.json(['ledger', 'statement', 'pool:family']), {
    accounts: { length: 2 },
    transfers: [
      { credit: /^pool:family:bundle:gift-/, amount: '1' },
      { credit: /^pool:family:bundle:gift-/, amount: '20000000000' },
      { cause: /^session:/, debit: /^pool:family:/ },
      { cause: /^session:/, debit: /^pool:family:/ },
    ],
  })
})
