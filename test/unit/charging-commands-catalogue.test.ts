import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { PLAN, refuses, shell } from './charging-commands-fixture.ts'

t.test('a tenant: what is wrong is said, what is left out keeps its value', async (t) => {
  const sh = shell(t)
  t.match(await sh.run('tenant', 'list'), { exit: 0, stdout: /No tenants yet. Make one: tallycell tenant set/ })
  await refuses(t, sh, [
    [['tenant', 'set'], 64, /ID is missing: expected the tenant/],
    [['tenant', 'set', 'Acme!'], 64, /payer id 'Acme!' is not valid/],
    [['tenant', 'set', 'acme'], 64, /'--currency' is required of a new tenant/],
    [
      ['tenant', 'set', 'acme', '--currency', 'euro'],
      64,
      /currency 'euro' is not valid: expected three capital letters/,
    ],
    [['tenant', 'set', 'acme', '--currency', 'EUR', '--decimals', '7'], 64, /--decimals '7'.*from 0 to 6/],
    [
      ['tenant', 'set', 'acme', '--currency', 'EUR', '--rounding', 'nearest'],
      64,
      /'nearest'.*half-even, half-up, up, down/,
    ],
    [['tenant', 'set', 'acme', '--currency', 'EUR', '--time-zone', 'Berlin'], 64, /time zone 'Berlin'.*Europe\/Berlin/],
  ])
  t.same(await sh.json(['tenant', 'list']), { tenants: [] })
  t.match(await sh.run('tenant', 'set', 'yen', '--currency', 'JPY'), { stdout: /JPY, rounded half-even to 0 decimal/ })
  const acme = { tenant: 'acme', currency: 'EUR', decimals: 2, rounding: 'up', timeZone: 'Europe/Berlin' }
  t.same(
    await sh.json(['tenant', 'set', 'acme', '--currency', 'EUR', '--rounding', 'up', '--time-zone', 'Europe/Berlin']),
    acme,
  )
  t.same(await sh.json(['tenant', 'set', 'acme', '--decimals', '3']), { ...acme, decimals: 3 })
  await refuses(t, sh, [[['tenant', 'set', 'acme', '--currency', 'USD'], 65, /'acme' charges in EUR, got USD/]])
  t.match((await sh.run('tenant', 'list')).stdout, /^TENANT .*\nacme +EUR +3 +up +Europe\/Berlin\nyen +JPY +0 /)
})

t.test('a plan that is wrong: every fault with its path, nothing stored', async (t) => {
  const sh = shell(t, {
    'faulty.yaml': PLAN.replace('kind: prepaid', 'kind: barter').replace('octets: 2000', 'octets: -1'),
    'broken.yaml': 'a: [1\nb: 2\n',
    'twice.yaml': 'id: a\nid: b\n',
    'good.yaml': PLAN,
    'large.yaml': `# ${'x'.repeat(1_048_577)}`,
  })
  for (const command of ['check', 'add'])
    await refuses(t, sh, [
      [['plan', command], 64, /FILE is missing/],
      [['plan', command, join(sh.cwd, 'none.yaml')], 66, /cannot read the file '.*none.yaml': ENOENT/],
      [['plan', command, sh.cwd], 66, /EISDIR/],
      [['plan', command, join(sh.cwd, 'large.yaml')], 66, /more than 1048576 octets/],
      [['plan', command, join(sh.cwd, 'broken.yaml')], 65, /the plan has \d problem\(s\):\n {2}line \d, column \d+: /],
      [['plan', command, join(sh.cwd, 'twice.yaml')], 65, /line 2, column 1: .*unique/],
      [
        ['plan', command, join(sh.cwd, 'faulty.yaml')],
        65,
        /the plan has 2 problem[\s\S]*kind: [\s\S]*tariffs[\s\S]*octets/,
      ],
    ])
  t.match(await sh.json(['plan', 'check', join(sh.cwd, 'faulty.yaml')], 65), {
    error: { code: 'PLAN_INVALID', context: { count: 2, problems: /kind: / } },
  })
  t.match(await sh.run('plan', 'list'), { stdout: /No plans yet. Write one: tallycell plan example/ })
  await refuses(t, sh, [[['plan', 'add', join(sh.cwd, 'good.yaml')], 65, /the tenant 'default' has no currency/]])
  t.match(
    (await sh.run('plan', 'add', join(sh.cwd, 'good.yaml'))).stderr,
    /tallycell tenant set default --currency EUR/,
  )
})

t.test('the example is a plan, and its comments speak of what is there', async (t) => {
  const sh = shell(t)
  const { stdout } = await sh.run('plan', 'example')
  sh.input(stdout)
  t.match(await sh.run('plan', 'check', '-'), {
    exit: 0,
    stdout:
      /Nothing is wrong with version 1 of the prepaid plan default\/data-m.\nTariffs.*: portal, abroad, wifi, night, day/,
  })
})

t.test('versions: the newest is used, the old ones stay, none changes', async (t) => {
  const sh = shell(t)
  await sh.json(['tenant', 'set', 'default', '--currency', 'EUR'])
  sh.input(PLAN)
  t.match(await sh.json(['plan', 'add', '-']), { tenant: 'default', plan: 'data-m', version: '1', tariffs: ['day'] })
  t.match(await sh.run('plan', 'add', '-'), { exit: 0 }, 'the same again changes nothing')
  sh.input(PLAN.replace('Data M', 'Data L'))
  await refuses(t, sh, [[['plan', 'add', '-'], 65, /version 1 of the plan 'default\/data-m'.* says something else/]])
  const second = PLAN.replace('version: 1', 'version: 2').replace('Data M', 'Data L')
  sh.input(second)
  await sh.json(['plan', 'add', '-'])
  t.match(await sh.json(['plan', 'list', '--tenant', 'default']), { plans: [{ version: '2', name: 'Data L' }] })
  t.same(await sh.json(['plan', 'list', '--tenant', 'other']), { plans: [] })
  t.match((await sh.run('plan', 'list')).stdout, /default +data-m +2 +prepaid +Data L +1 +day-pass, family/)
  t.match(await sh.json(['plan', 'show', 'data-m']), { version: '2', current: true, versions: ['1', '2'] })
  t.match(await sh.json(['plan', 'show', 'data-m', '1']), { current: false, document: { name: 'Data M' } })
  const shown = await sh.run('plan', 'show', 'data-m')
  t.match(shown.stdout, /^# Added .*, in use for new sessions. Versions: 1, 2.\ntenant: default\n/)
  const file = join(sh.cwd, 'shown.yaml')
  writeFileSync(file, shown.stdout)
  t.match(await sh.run('plan', 'add', file), { exit: 0 }, 'what is shown can be added again')
  await refuses(t, sh, [
    [['plan', 'show', 'data-x'], 65, /there is no 'default\/data-x'/],
    [['plan', 'show', 'data-m', '3'], 65, /there is no 'default\/data-m version 3'/],
    [['plan', 'show', 'data-m', 'two'], 64, /the version of a plan 'two'/],
    [['plan', 'show', 'data-m', '--tenant', 'other'], 65, /there is no 'other\/data-m'/],
  ])
})
