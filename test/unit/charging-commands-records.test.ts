import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { exportRecords } from '../../billing/charging/cdr/store.ts'
import { readProfiles } from '../../billing/charging/commands/store.ts'
import type { Store } from '../../core/store/store.ts'
import { PLAN, provide, refuses, type Shell, shell } from './charging-commands-fixture.ts'

/** Sessions of alice, of 1 MB each. */
async function sessions(sh: Shell, ...ids: string[]): Promise<void> {
  for (const id of ids) await sh.use('alice', 1_000_000n, id)
}

async function scene(t: Test, ...ids: string[]): Promise<Shell> {
  const sh = shell(t)
  await provide(sh, 'alice', 'bob')
  await sh.json(['topup', 'alice', '20', '--reference', 'r1'])
  await sessions(sh, ...ids)
  return sh
}

const files = (folder: string): Record<string, string> =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'latin1')]))

t.test('records are listed and shown', async (t) => {
  const sh = await scene(t)
  t.match(await sh.run('cdr', 'list'), { stdout: /No records. One is written when a charging session ends/ })
  await refuses(t, sh, [
    [['cdr', 'show'], 64, /N is missing/],
    [['cdr', 'show', 'x'], 64, /the number of a record 'x'/],
    [['cdr', 'show', '1'], 65, /there is no charging data record 1: the newest is 0/],
    [['cdr', 'list', '--subscriber', 'dave'], 65, /there is no subscriber 'dave'/],
    [['cdr', 'list', '--limit', '10001'], 64, /--limit '10001'/],
  ])
  await sessions(sh, 's1', 's2', 's3')
  t.match(await sh.json(['cdr', 'list', '--limit', '2']), { records: [{ number: '3' }, { number: '2' }], more: true })
  t.match(await sh.run('cdr', 'list', '--limit', '2'), {
    stdout: /\n +3 .*\n +2 .*\nThere are more: add --before 2\n$/,
  })
  t.match(await sh.json(['cdr', 'list', '--before', '2', '--subscriber', 'alice']), {
    records: [{ number: '1', subscriber: 'alice', sessionId: 's1', charge: '2000', currency: 'EUR', partial: null }],
    more: false,
  })
  t.same(await sh.json(['cdr', 'list', '--subscriber', 'bob']), { records: [], more: false })
  const { stdout } = await sh.run('cdr', 'show', '1')
  t.match(stdout, /Subscriber: alice of default\nSession: {4}gy:pgw s1\n/)
  t.match(stdout, /Charge: {5}0\.002 EUR\n\nRATING GROUP .*\n10 +day +0 B +1\.0 MB +60 +0 +0 B +0 B +0\.002 EUR/)
  t.notMatch(stdout + JSON.stringify(await sh.json(['cdr', 'show', '1'])), '001010000000000', 'no IMSI')
})

t.test('export: each record once for a folder and format', async (t) => {
  const sh = await scene(t)
  const folder = join(sh.cwd, 'out')
  const go = (...words: string[]) => sh.json(['cdr', 'export', '--directory', folder, ...words])
  await refuses(t, sh, [
    [['cdr', 'export', '--format', 'xml'], 64, /--format 'xml' is not valid: expected csv, jsonl, 3gpp/],
    [['cdr', 'export', '--from', '0'], 64, /--from '0'.*from 1 to 1/],
    [['cdr', 'export', '--from', '2'], 64, /--from '2'.*from 1 to 1/],
    [['cdr', 'export', '--from', 'first'], 64, /--from 'first'/],
  ])
  t.match(await sh.run('cdr', 'export', '--directory', folder), { stdout: 'There are no records yet.\n' })
  await sessions(sh, 's1', 's2')
  const first = await go()
  t.match(first, { directory: folder, format: 'csv', records: '2', last: '2', files: [/^tallycell_-_1\..*\.csv$/] })
  const before = files(folder)
  t.match(before[first.files[0]], /\r\n1,1,,normal-release,default,alice,001010000000000,/)
  t.match(await go(), { records: '0', files: [] }, 'once more writes nothing')
  t.match(await sh.run('cdr', 'export', '--directory', folder), { stdout: /Nothing new: records up to 2 have been/ })
  t.same(files(folder), before)
  await sessions(sh, 's3')
  t.match(await go(), { records: '1', last: '3', files: [/^tallycell_-_2\./] })
  for (const format of ['jsonl', '3gpp'])
    t.match(
      await go('--format', format),
      { records: '3', files: [/^tallycell_-_1\./] },
      `${format} begins at the first`,
    )
  t.equal(readdirSync(folder).length, 4)
  t.match(
    await go('--from', '3'),
    { records: '1', files: [/^tallycell_-_3\./] },
    'again, because somebody asked for it',
  )
  t.match(await go(), { records: '0' })
  t.match(await sh.run('cdr', 'export'), {
    stdout: new RegExp(`Wrote 3 records to 1 file in ${sh.cwd}/tallycell-data/cdr:`),
  })
  writeFileSync(join(sh.cwd, 'plain'), '')
  await refuses(t, sh, [
    [['cdr', 'export', '--directory', join(sh.cwd, 'plain/x')], 74, /cannot write the folder .*plain\/x/],
  ])
})

const NODE = { nodeId: 'n1', functionId: '00000000-0000-4000-8000-000000000000', address: '192.0.2.1', utcOffset: 0 }

function exporting(store: Store, folder: string, recordsPerFile: number, identities = readProfiles) {
  return exportRecords(
    {
      store,
      identities: async (sql, subscribers) => {
        const profiles = await identities(sql, subscribers)
        return new Map(
          [...profiles].flatMap(([id, { imsi }]) =>
            imsi === null ? [] : [[id, { imsi, msisdn: undefined }] as const],
          ),
        )
      },
    },
    { folder, format: 'jsonl', node: NODE, recordsPerFile, from: undefined, signal: new AbortController().signal },
  )
}

t.test('an export that broke off after its file was written ends with the same files', async (t) => {
  const sh = await scene(t, 's1', 's2', 's3')
  const folder = join(sh.cwd, 'out')
  const whole = join(sh.cwd, 'whole')
  await sh.withStore(async (store) => {
    t.same((await exporting(store, whole, 2)).files.length, 2)
    // The transaction behind the first file is lost.
    let writes = 0
    const lossy: Store = {
      ...store,
      batch: async (work) => {
        if (++writes === 3) throw new Error('power cut')
        return store.batch(work)
      },
    }
    await t.rejects(exporting(lossy, folder, 2), /power cut/)
  })
  t.equal(readdirSync(folder).length, 1)
  await sessions(sh, 's4')
  await sh.withStore(async (store) => {
    // Another size of files since: what was begun keeps its own.
    const again = await exporting(store, folder, 10)
    t.match(again, { files: { length: 2 }, records: 4n, last: 4n })
  })
  const [one, two] = Object.values(files(folder))
  t.equal(one, Object.values(files(whole))[0])
  t.same(
    `${one}${two}`
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).number),
    ['1', '2', '3', '4'],
  )
})

t.test('two exports at once end with each record once', async (t) => {
  const sh = await scene(t, 's1', 's2', 's3', 's4', 's5')
  const folder = join(sh.cwd, 'out')
  await sh.withStore((store) => Promise.all([exporting(store, folder, 2), exporting(store, folder, 2)]))
  const numbers = Object.values(files(folder)).flatMap((text) =>
    text
      .trim()
      .split('\n')
      .map((line) => Number(JSON.parse(line).number)),
  )
  t.same(numbers.sort(), [1, 2, 3, 4, 5])
})

t.test('a record that cannot be written stops the export behind the ones before it', async (t) => {
  const sh = await scene(t, 's1', 's2', 's3')
  const folder = join(sh.cwd, 'out')
  await sh.withStore(async (store) => {
    await store.batch((sql) =>
      sql.run(
        `update cdr set record = replace(record, '"subscriber":"alice"', '"subscriber":"gone"') where record_no = 2`,
      ),
    )
    for (let time = 0; time < 2; time++)
      await t.rejects(exporting(store, folder, 10), {
        code: 'CDR_RECORD_INVALID',
        message: /record 2 .*'gone' is not registered/,
      })
    t.equal(readdirSync(folder).length, 1)
  })
  t.match(await sh.run('cdr', 'export', '--directory', folder, '--format', 'jsonl'), { exit: 65 })
  t.match(await sh.json(['cdr', 'export', '--directory', folder, '--format', 'jsonl', '--from', '3']), {
    records: '1',
    last: '3',
  })
})

t.test('sessions: open ones with what they hold', async (t) => {
  const sh = await scene(t)
  t.match(await sh.run('session', 'list'), { stdout: /No charging sessions yet/ })
  t.match(await sh.run('session', 'list', '--open'), { stdout: 'No session is open.\n' })
  await refuses(t, sh, [
    [['session', 'list', '--subscriber', 'dave'], 65, /there is no subscriber 'dave'/],
    [['session', 'list', '--limit', 'all'], 64, /--limit 'all'/],
    [['session', 'list', '--before', '-'], 64, /--before/],
  ])
  await sessions(sh, 's1')
  const answer = await sh.open('alice', 's2')
  const granted = answer.services[0]?.granted?.octets ?? 0n
  t.ok(granted > 0n)
  const open = await sh.json(['session', 'list', '--open'])
  t.match(open, {
    sessions: [{ sessionId: 's2', subscriber: 'alice', state: 'open', granted: { octet: String(granted) } }],
  })
  const held = BigInt(open.sessions[0].held.EUR)
  t.ok(held > 0n)
  t.match(await sh.json(['balance', 'list', 'alice']), { balances: { 0: { reserved: String(held) } } })
  t.match(
    (await sh.run('session', 'list')).stdout,
    /alice +lte +- +\S+ +\S+ +open +- +\d.* MB +\d+\.\d+ EUR\n +1 +alice .* closed/,
  )
  t.match(await sh.json(['session', 'list', '--limit', '1']), { sessions: { length: 1 }, more: true })
  t.match(await sh.json(['session', 'list', '--before', '2', '--subscriber', 'alice']), {
    sessions: [{ session: '1' }],
    more: false,
  })
})

t.test('the ledger: checked, stated, listed', async (t) => {
  const sh = await scene(t, 's1')
  await refuses(t, sh, [
    [['ledger', 'statement'], 64, /OF is missing/],
    [['ledger', 'statement', 'Alice!'], 64, /subscriber id 'Alice!'/],
    [['ledger', 'statement', 'bank:x'], 64, /account 'bank:x'/],
    [['ledger', 'statement', 'alice', '--from', 'yesterday'], 64, /time 'yesterday'/],
    [['ledger', 'accounts', '--owner', 'alice'], 64, /--owner 'alice'.*subscriber:ID/],
    [['ledger', 'accounts', '--limit', '0'], 64, /--limit '0'/],
  ])
  t.match(await sh.run('ledger', 'check'), { exit: 0, stdout: /^The books are whole/ })
  const all = await sh.json(['ledger', 'statement', 'alice'])
  t.match(all, {
    of: 'subscriber:alice',
    transfers: [
      { cause: 'topup:default:r1', credit: 'subscriber:alice:money:EUR', unit: 'EUR', amount: '20000000' },
      { cause: /^session:1:/, debit: 'subscriber:alice:money:EUR', amount: '2000' },
    ],
    accounts: [{ account: 'subscriber:alice:money:EUR', posted: '19998000' }],
    more: false,
  })
  t.match(await sh.json(['ledger', 'statement', 'subscriber:alice:money:EUR', '--limit', '1']), {
    transfers: [{ cause: /^session/ }],
    more: true,
  })
  t.same((await sh.json(['ledger', 'statement', 'alice', '--to', '2020-01-01'])).transfers, [])
  t.same((await sh.json(['ledger', 'statement', 'alice', '--from', '2027-01-15T00:00:00Z'])).transfers.length, 1)
  t.match(await sh.run('ledger', 'statement', 'bob'), { stdout: /Nothing has been booked on subscriber:bob/ })
  t.match(
    (await sh.run('ledger', 'statement', 'alice')).stdout,
    /20\.00 EUR +topup:default:r1\n[\s\S]*\nACCOUNT .*\nsubscriber:alice:money:EUR +19\.998 EUR +-\n$/,
  )
  t.match(await sh.json(['ledger', 'accounts', '--owner', 'payer:default', '--unit', 'EUR']), {
    accounts: [
      { account: /income/, posted: '2000' },
      { account: /received/, posted: '20000000' },
    ],
  })
  t.match(await sh.run('ledger', 'accounts', '--limit', '1'), {
    stdout: /There are more: tallycell ledger accounts --after payer:/,
  })
  await sh.open('alice', 's2')
  t.match(await sh.run('ledger', 'check'), { exit: 0 }, 'whole while a session is open')
  const damages: readonly [string, RegExp][] = [
    [
      `update ledger_account set credits = credits + 1 where account_id = 'subscriber:alice:money:EUR'`,
      /EUR: debits \d+ and credits/,
    ],
    [
      `update ledger_account set pending = pending + 5 where account_id = 'subscriber:alice:money:EUR'`,
      /alice:money:EUR: \d+ are pending, sessions hold/,
    ],
  ]
  for (const [damage, finding] of damages) {
    await sh.withStore((store) => store.batch((sql) => sql.run(damage)))
    t.match(await sh.run('ledger', 'check'), { exit: 1, stdout: finding })
  }
  t.match(await sh.json(['ledger', 'check'], 1), { whole: false, findings: { length: 3 } })
})

t.test('the audit trail goes on where the file ends', async (t) => {
  const sh = await scene(t, 's1')
  const out = join(sh.cwd, 'audit.jsonl')
  const go = (...words: string[]) => sh.json(['ledger', 'export', '--out', out, ...words])
  const ids = (): string[] =>
    readFileSync(out, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).id)
  mkdirSync(join(sh.cwd, 'folder'))
  writeFileSync(join(sh.cwd, 'notes.txt'), 'buy milk\n')
  await refuses(t, sh, [
    [['ledger', 'export'], 64, /'--out' is required/],
    [['ledger', 'export', '--out', join(sh.cwd, 'folder')], 73, /cannot write the file .*folder/],
    [['ledger', 'export', '--out', join(sh.cwd, 'no/such')], 73, /cannot write the file .*no\/such/],
    [['ledger', 'export', '--out', join(sh.cwd, 'notes.txt')], 65, /its last line is not one of a ledger export/],
    [['ledger', 'export', '--out', out, '--after', '99'], 65, /behind transfer 99, and the newest is 2/],
  ])
  t.equal(readFileSync(join(sh.cwd, 'notes.txt'), 'utf8'), 'buy milk\n')
  t.match(await go(), { transfers: '2', last: '2' })
  t.match(await go(), { transfers: '0', last: '2' })
  await refuses(t, sh, [
    [['ledger', 'export', '--out', out, '--after', '1'], 65, /it ends with transfer 2, and --after is for a new file/],
  ])
  await sessions(sh, 's2')
  for (const torn of ['{"id":"3","at', '{']) {
    appendFileSync(out, torn)
    await go()
    t.same(ids(), ['1', '2', '3'])
  }
  rmSync(out)
  writeFileSync(out, '{"id":"1","a')
  t.match(await go('--after', '2'), { transfers: '1', last: '3' })
  t.same(ids(), ['3'])
})

t.test('what has happened to balances is listed', async (t) => {
  const sh = shell(t)
  await provide(sh, 'alice', 'bob')
  t.match(await sh.run('balance', 'events'), { stdout: /Nothing has happened to balances yet/ })
  sh.input(PLAN.replace('version: 1', 'version: 2\nthresholds: [50, 100]'))
  await sh.json(['plan', 'add', '-'])
  await sh.json(['topup', 'alice', '0.01', '--reference', 'r1'])
  await sh.use('alice', 6_000_000n)
  await sh.use('bob', 1_000_000n, 's2')
  const { events } = await sh.json(['balance', 'events', '--subscriber', 'alice'])
  t.match(events, [
    { kind: 'threshold', account: 'subscriber:alice:money:EUR', percent: '50', unit: 'EUR' },
    { kind: 'threshold', percent: '100' },
    { kind: 'overuse', amount: '2000', unit: 'EUR', account: null },
  ])
  t.match(await sh.json(['balance', 'events', '--limit', '1']), { events: [{ subscriber: 'alice' }], more: true })
  t.match((await sh.run('balance', 'events')).stdout, /alice +threshold +50 .*\n[\s\S]*bob +overuse/)
  t.match(await sh.run('balance', 'events', '--subscriber', 'nobody'), { exit: 65 })
})
