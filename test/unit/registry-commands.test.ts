import { writeFileSync } from 'node:fs'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { suspend } from '../../billing/charging/suspension/store.ts'
import type { CommandContext, Output } from '../../core/cli/command.ts'
import { systemClock } from '../../core/kernel/clock.ts'
import { toJson } from '../../core/kernel/units.ts'
import { openStore } from '../../core/store/store.ts'
import { radioCommands } from '../../radio/module.ts'
import { subscriberCommands } from '../../sim-provisioning/module.ts'

const OWNER = '7EqQdEULxWcraVx3mXKFjc84LhCkMGZCkRuDpvcMwJeK'

interface Shell {
  readonly dir: string
  readonly stop: () => void
  run(path: string, id?: string, options?: Record<string, string>, more?: string): Promise<Output>
}

/** Runs commands on a real database, as the command line does. */
async function shell(t: Test, files: Record<string, string> = {}): Promise<Shell> {
  const dir = t.testdir(files)
  const store = await openStore({ path: `${dir}/tallycell.db` })
  t.teardown(() => store.close())
  const aborting = new AbortController()
  const refuse = (): never => {
    throw new Error('not needed by these commands')
  }
  const context: CommandContext = {
    config: refuse,
    keys: refuse,
    store: async () => store,
    log: pino({ level: 'silent' }),
    clock: systemClock,
    signal: aborting.signal,
    json: false,
    progress: () => ({ update() {}, end() {} }),
    say() {},
  }
  const commands = [...radioCommands(), ...subscriberCommands(suspend)]
  return {
    dir,
    stop: () => aborting.abort(),
    async run(path, id, options = {}, more = undefined) {
      const command = commands.find((one) => one.path.join(' ') === path)
      if (!command) throw new Error(`no command ${path}`)
      return command.run({ args: { id, class: more }, options }, context)
    },
  }
}

t.test('an empty register says what to do next', async (t) => {
  const { run } = await shell(t)
  t.match((await run('radio list')).text, /No radios yet. Register one: tallycell radio add/)
  t.match((await run('subscriber list')).text, /No subscribers yet. Register one: tallycell subscriber add/)
  t.same((await run('radio list')).json, { radios: [], more: false })
  t.match((await run('radio list', undefined, { after: 'x' })).text, 'No radios after x.')
})

t.test('one radio: added, listed, banned, unbanned', async (t) => {
  const { run } = await shell(t)
  const added = await run('radio add', 'cafe-1', { owner: OWNER, bssid: '0011.2233.4455:guest', 'nas-id': 'ap 1' })
  t.same(added.json, {
    radio: 'cafe-1',
    access: 'wifi',
    class: null,
    nasIdentifier: 'ap 1',
    bssid: '001122334455',
    cell: null,
    owner: OWNER,
    payout: OWNER,
  })
  const listed = (await run('radio list')).text.split('\n')
  t.match(listed[0], /^RADIO {3}ACCESS {2}CLASS {2}NAS-IDENTIFIER {2}BSSID {14}CELL {2}PAYOUT WALLET/)
  t.match(listed[1], /^cafe-1 {2}wifi {4}- {6}ap 1 {12}00-11-22-33-44-55 {2}- {5}\w{44} {2}in service$/)
  await run('radio ban', 'cafe-1', { reason: 'moved', until: '2999-01-31' })
  t.match((await run('radio list')).text, 'banned until 2999-01-31T00:00:00Z: moved')
  t.match(await run('radio list'), { json: { radios: [{ ban: { reason: 'moved', until: '2999-01-31T00:00:00Z' } }] } })
  await run('radio unban', 'cafe-1')
  t.match((await run('radio class', 'cafe-1', {}, 'outdoor')).text, 'is in the class outdoor from now on')
  t.match((await run('radio class', 'cafe-1', {}, 'outdoor')).json, { class: 'outdoor', changed: false })
  t.match((await run('radio list')).json, { radios: [{ class: 'outdoor' }] })
  t.match((await run('radio class', 'cafe-1')).text, 'is in no class from now on')
  t.match((await run('radio list')).text, 'in service')
})

t.test('bad input says what was expected, what came and what to do', async (t) => {
  const { run, dir } = await shell(t)
  const wrong = async (path: string, id: string | undefined, options: Record<string, string>, message: RegExp) =>
    t.rejects(run(path, id, options), { name: 'TallycellError', message, hint: /./ }, message.source)
  await wrong(
    'radio add',
    undefined,
    { owner: OWNER },
    /the id is missing: expected ID and --owner WALLET, or --file FILE/,
  )
  await wrong('radio add', 'r1', {}, /--owner is missing/)
  await wrong('radio add', 'r1', { file: 'x.csv' }, /'r1' is one argument too many/)
  await wrong('radio add', undefined, { file: 'x.csv', owner: OWNER }, /'--owner' is one argument too many/)
  await wrong('subscriber add', undefined, { file: 'x.csv', imsi: '1' }, /'--imsi' is one argument too many/)
  await wrong('radio add', 'R 1', { owner: OWNER }, /radio id 'R 1' is not valid/)
  await wrong('radio add', 'r1', { owner: 'me' }, /wallet 'me' is not valid: expected a Solana address/)
  await wrong('radio add', 'r1', { owner: OWNER, access: 'wimax' }, /access 'wimax'.*expected wifi, lte, nr/)
  await wrong(
    'radio add',
    'r1',
    { owner: OWNER, class: 'In Door' },
    /radio class 'In Door' is not valid: expected 1 to 64/,
  )
  await wrong('radio add', 'r1', { owner: OWNER, bssid: '00:11' }, /BSSID '00:11'.*such as 00-11-22-33-44-55/)
  await wrong('radio add', 'r1', { owner: OWNER, 'nas-id': 'a\nb' }, /NAS-Identifier[\s\S]*1 to 253 octets of text/)
  await wrong('radio add', 'r1', { owner: OWNER, 'nas-id': 'é'.repeat(127) }, /1 to 253 octets/)
  await wrong('radio add', 'r1', { owner: OWNER }, /expected a NAS-Identifier or a BSSID, got neither/)
  await wrong('radio ban', 'r1', { reason: 'x', until: '2027-02-31' }, /time '2027-02-31'.*a date like 2027-01-31/)
  await wrong('radio ban', 'r1', { reason: 'x', until: 'tomorrow' }, /time 'tomorrow'/)
  await wrong('radio ban', 'r1', { reason: 'x', until: '2020-01-01' }, /must end in the future, got 2020-01-01T00/)
  await wrong('radio ban', 'r1', { reason: 'x' }, /there is no radio 'r1'/)
  await run('radio add', 'r1', { owner: OWNER, 'nas-id': 'ap-1' })
  for (const reason of ['', 'a\nb', 'é'.repeat(129), '\ud800'])
    await wrong('radio ban', 'r1', { reason }, /reason '[\s\S]*' is not valid: expected one line of 1 to 256 octets/)
  await run('radio ban', 'r1', { reason: 'é'.repeat(128) })
  for (const limit of ['0', '-1', 'ten', '10001', '1e3', ''])
    await wrong('radio list', undefined, { limit }, /--limit '.*' is not valid: expected a number from 1 to 10000/)
  await wrong('subscriber add', 'alice', {}, /--imsi is missing: expected ID and --imsi DIGITS, or --file FILE/)
  await wrong('subscriber add', 'alice', { imsi: '12' }, /IMSI '2 characters'.*expected 6 to 15 decimal digits/)
  await wrong('subscriber add', 'alice', { imsi: '001010000000001', plan: 'Gold!' }, /plan id 'Gold!'/)
  await wrong('subscriber add', undefined, { file: `${dir}/none.csv` }, /cannot read the file '.*none.csv': ENOENT/)
  await wrong('subscriber add', undefined, { file: dir }, /cannot read the file '.*': it is a folder/)
})

t.test('a file: good lines go in, wrong ones are listed, and loading again does no harm', async (t) => {
  const { run, dir } = await shell(t, {
    'subscribers.csv': [
      'subscriber,imsi,plan',
      'alice,001010000000001,gold',
      'bob,001010000000001,',
      'carol,12,flat',
      'dave',
      '',
      'erin,001010000000005,',
    ].join('\r\n'),
    'radios.csv': `owner,radio,bssid\n${OWNER},r1,00-11-22-33-44-55:x\n${OWNER},r2,\n`,
    'empty.csv': 'subscriber,imsi\n',
    'binary.csv': 'PK\u0003\u0004\u0000\u0000',
  })
  const file = `${dir}/subscribers.csv`
  const first = await run('subscriber add', undefined, { file })
  t.equal(first.exit, 65)
  t.match(first.json, { added: 2, unchanged: 0, refused: 3, stopped: false })
  t.equal(first.text.split('\n')[0], '2 subscribers added, 0 there already, 3 lines refused')
  t.match(first.text, /line 3: the IMSI 00101········01 belongs to the subscriber 'alice'/)
  t.match(first.text, /line 4: IMSI '2 characters' is not valid/)
  t.match(first.text, /line 5: expected the 3 values subscriber,imsi,plan, got 1 values/)
  t.match((await run('subscriber add', undefined, { file })).json, { added: 0, unchanged: 2, refused: 3 })
  t.match((await run('subscriber add', undefined, { file, plan: 'silver' })).json, {
    refusals: { 3: { line: 7, code: 'SUBSCRIBER_EXISTS' } },
  })
  t.match((await run('subscriber list')).text, /alice {7}00101········01 {2}default {2}gold/)
  t.notMatch(toJson(await run('subscriber list')), '001010000000001')

  const radios = await run('radio add', undefined, { file: `${dir}/radios.csv` })
  t.match(radios.json, { added: 1, refused: 1, refusals: [{ line: 3, code: 'RADIO_UNRECOGNISABLE' }] })
  t.match(await run('subscriber add', undefined, { file: `${dir}/empty.csv` }), { exit: 0, text: /holds no lines/ })
  await t.rejects(run('subscriber add', undefined, { file: `${dir}/binary.csv` }), { code: 'CSV_HEADER' })
})

t.test('more than fits is said, with the command that shows it', async (t) => {
  const { run, dir, stop } = await shell(t)
  const lines = Array.from({ length: 1200 }, (_, n) => `s${String(n).padStart(4, '0')},${1_010_000_000_000 + n}`)
  writeFileSync(`${dir}/many.csv`, ['subscriber,imsi', ...lines, ...Array<string>(30).fill('x,1')].join('\n'))
  const loaded = await run('subscriber add', undefined, { file: `${dir}/many.csv` })
  t.match(loaded.text, /^1200 subscribers added, 0 there already, 30 lines refused\n/)
  t.match(loaded.text, /and 10 more: see them with --json$/)
  const page = await run('subscriber list')
  t.equal(page.text.split('\n').length, 102)
  t.match(page.text, /There are more: tallycell subscriber list --after s0099$/)
  t.match((await run('subscriber list', undefined, { after: 's1198' })).json, { more: false })
  stop()
  const broken = await run('subscriber add', undefined, { file: `${dir}/many.csv` })
  t.match(broken, { exit: 130, text: /Broken off: load the file again to go on/ })
})
