import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { suspend } from '../../billing/charging/suspension/store.ts'
import type { CommandContext, Output } from '../../core/cli/command.ts'
import { loadConfig } from '../../core/config/load.ts'
import { listAudit, verifyAudit } from '../../core/http/partner/audit/store.ts'
import { systemClock } from '../../core/kernel/clock.ts'
import { payerId } from '../../core/kernel/ids.ts'
import { toJson } from '../../core/kernel/units.ts'
import { keysSection } from '../../core/runtime/keys.ts'
import { openStore } from '../../core/store/store.ts'
import { portingSection, simCommands, subscriberCommands } from '../../sim-provisioning/module.ts'
import { csvOf, testSim, testSims } from '../compliance/sim-world.ts'

type Run = (path: string, args?: readonly string[], options?: Record<string, string>) => Promise<Output>

/** Runs commands on a real database with real keys, as the command line does; no answer may hold a key. */
async function shell(t: Test, files: Record<string, string> = {}): Promise<{ dir: string; run: Run }> {
  const dir = t.testdir(files)
  const store = await openStore({ path: join(dir, 's.db') })
  t.teardown(() => store.close())
  const config = loadConfig([keysSection, portingSection], {
    file: undefined,
    env: { TALLYCELL_DATA_DIR: dir },
    cwd: dir,
  })
  const context: CommandContext = {
    config: async () => config,
    keys: () => Promise.reject(new Error('not needed by these commands')),
    store: async () => store,
    log: pino({ level: 'silent' }),
    clock: systemClock,
    signal: new AbortController().signal,
    json: false,
    progress: () => ({ update() {}, end() {} }),
    say() {},
  }
  const secrets = testSims(20).flatMap(({ ki, opc }) => [ki, opc])
  return {
    dir,
    async run(path, args = [], options = {}) {
      const command = [...subscriberCommands(suspend), ...simCommands(suspend)].find(
        (one) => one.path.join(' ') === path,
      )
      if (!command) throw new Error(`no command ${path}`)
      const named = Object.fromEntries((command.positionals ?? []).map(({ name }, index) => [name, args[index]]))
      const defaults = Object.fromEntries(
        Object.entries(command.options ?? {}).map(([name, option]) => [
          name,
          'default' in option ? option.default : undefined,
        ]),
      )
      const output = await command.run({ args: named, options: { ...defaults, ...options } }, context)
      const said = output.text + toJson(output.json)
      t.notOk(
        secrets.some((secret) => said.includes(secret)),
        `${path} shows no key`,
      )
      return output
    },
  }
}

t.test('a batch is looked at, loaded, shown', async (t) => {
  const content = csvOf([...testSims(3), testSim(0)])
  const { dir, run } = await shell(t, { 'sims.csv': content })
  const file = join(dir, 'sims.csv')
  t.match((await run('batch list')).text, /No batches yet/)
  t.match(await run('batch import', [file], { 'mnc-digits': '2', 'dry-run': 'true' }), {
    exit: 65,
    json: { state: 'dry', added: 3 },
  })
  const loaded = await run('batch import', [file], { 'mnc-digits': '2', name: 'spring', tenant: 'acme' })
  t.match(loaded, {
    exit: 65,
    text: /^Batch spring: 3 added, 0 there already, 1 refused, 1 of them duplicates\n {2}line 5: the ICCID/,
  })
  t.match(await run('batch show', ['spring']), {
    json: { state: 'done', added: 3, errors: [{ line: 5, code: 'SIM_EXISTS' }] },
  })
  t.match((await run('batch list')).text, /spring\s+acme\s+sims.csv\s+done\s+3\s+1/)
  t.match(await run('batch import', [file], { 'mnc-digits': '2', all: 'true', name: 'again' }), {
    exit: 65,
    text: /Nothing was loaded/,
  })
  await t.rejects(run('batch import', [join(dir, 'none')], { 'mnc-digits': '2' }), { code: 'FILE_UNREADABLE' })
  await t.rejects(run('batch import', [file], { format: 'xls' }), { code: 'ID_INVALID' })
  await t.rejects(run('batch show', ['autumn']), { code: 'BATCH_UNKNOWN' })

  const list = await run('sim list', [], { tenant: 'acme' })
  t.match(list.text, /8988211000000000011\s+00101········01\s+acme\s+inStock\s+spring/)
  t.match(list.json, { sims: { length: 3 }, more: false })
  t.match((await run('sim list', [], { state: 'active' })).text, /No such SIMs/)
  t.match(await run('sim show', [testSim(1).imsi]), { json: { state: 'inStock', sequence: 0n, keyUses: [] } })
  await t.rejects(run('sim show', ['001019999999999']), { code: 'SIM_UNKNOWN' })
  t.match((await run('sim retire', [testSim(1).iccid], { as: 'alice', reason: 'broken' })).text, /is retired/)
  t.match((await run('sim show', [testSim(1).iccid])).text, /retire: inStock -> retired, operator, by alice: broken/)
  await t.rejects(run('sim suspend', [testSim(2).iccid]), { code: 'SIM_STEP' })
})

t.test('one SIM, its keys from a file', async (t) => {
  const { iccid, imsi, ki, opc } = testSim(7)
  const { dir, run } = await shell(t, {
    'sim.json': JSON.stringify({ ki, opc, pin1: '1234' }, undefined, 2),
    'bad.json': `{"ki":"${ki}"`,
  })
  const options = { imsi, 'mnc-digits': '2', keys: join(dir, 'sim.json') }
  t.match((await run('sim add', [iccid], options)).text, /is in stock, key [0-9a-f]{16}\./)
  t.match((await run('sim add', [iccid], options)).text, /there already/)
  await t.rejects(run('sim add', [iccid], { ...options, keys: join(dir, 'bad.json') }), { code: 'SIM_ROW' })
  await t.rejects(run('sim add', [testSim(8).iccid], options), { code: 'SIM_EXISTS' })
})

t.test('ranges, a batch of our own, and its way to the card maker by two people', async (t) => {
  const { dir, run } = await shell(t, { 'k4.hex': `${'5a'.repeat(16)}\n`, 'k5.hex': 'short' })
  t.match((await run('range list')).text, /No ranges/)
  await run('range add', ['imsi', '001010000000000', '001010000000099'], { 'mnc-digits': '2' })
  await run('range add', ['iccid', '898821100000000000', '898821100000000099'])
  await run('batch generate', ['spring'], { count: '4' })
  t.match((await run('range list')).text, /imsi\s+001010000000000\s+001010000000099\s+default\s+96\s+2/)
  await t.rejects(run('key add-transport', ['vendor'], { file: join(dir, 'k5.hex') }), {
    code: 'TRANSPORT_KEY_INVALID',
  })
  await run('key add-transport', ['vendor'], { file: join(dir, 'k4.hex') })
  const [alice, bob, carol] = ['alice', 'bob', 'carol'].map((name) => join(dir, `${name}.token`)) as [
    string,
    string,
    string,
  ]
  t.match((await run('key operators')).text, /No operators yet/)
  t.match((await run('key operator-add', ['alice'], { out: alice })).text, /Give it to nobody else/)
  await run('key operator-add', ['bob'], { out: bob })
  t.notMatch((await run('key operators')).text, readFileSync(bob, 'utf8').trim())
  t.equal(statSync(alice).mode & 0o777, 0o600)
  await t.rejects(run('key operator-add', ['carol'], { out: bob }), { code: 'CLI_OUTPUT_UNWRITABLE' })
  await t.rejects(run('key operator-add', ['carol'], { out: carol }), { code: 'OPERATOR_TOKEN_WRONG' })
  t.notOk(existsSync(carol), 'no file without a token')
  await run('key operator-add', ['carol'], { out: carol, 'token-file': bob })
  await run('key operator-revoke', ['carol'], { 'token-file': alice })
  await t.rejects(run('key operator-revoke', ['carol'], { 'token-file': alice }), { code: 'OPERATOR_UNKNOWN' })
  const wanted = { 'transport-key': 'vendor' }
  await t.rejects(run('batch export', ['spring'], wanted), { code: 'OPERATOR_TOKEN_WRONG' })
  await t.rejects(run('batch export', ['spring'], { ...wanted, 'token-file': carol }), { code: 'OPERATOR_TOKEN_WRONG' })
  const asked = await run('batch export', ['spring'], { ...wanted, 'token-file': alice })
  t.match(asked.text, 'Export 1 waits a day for another operator')
  await t.rejects(run('batch approve', ['1'], { 'token-file': alice }), { code: 'EXPORT_UNAPPROVED' })
  t.match((await run('batch approve', ['1'], { 'token-file': bob })).text, 'Export 1 is approved by bob.')
  const out = join(dir, 'spring.out')
  const made = await run('batch export', ['spring'], { approval: '1', out, 'token-file': alice })
  t.match(made.text, /^4 SIMs written/)
  t.match(readFileSync(out, 'utf8'), /^\*\nCustomer: default\nQuantity: 4\nBatch: spring\nTransport_key: vendor\n/)
  const back = await run('batch import', [out], { 'transport-key': 'vendor', name: 'back' })
  t.match(back.json, { added: 0, unchanged: 4, refused: 0 })
  await t.rejects(run('batch export', ['spring']), { code: 'CLI_ARGUMENT_MISSING' })
})

t.test('home network keys, and the alarm for one that everybody has', async (t) => {
  const { dir, run } = await shell(t)
  t.match((await run('key list')).text, /No keys yet/)
  t.match((await run('key add', ['1'], { profile: 'B' })).text, /^Home network key 1: 0[23][0-9a-f]{64}$/)
  // TS 33.501 Annex C.4.3.
  const der = '302e020100300506032b656e04220420c53c22208b61860b06c62e5406a7b330c2b577aa5558981510d128247d38bd1d'
  const pem = join(dir, 'hnet.key')
  writeFileSync(
    pem,
    `-----BEGIN PRIVATE KEY-----\n${Buffer.from(der, 'hex').toString('base64')}\n-----END PRIVATE KEY-----\n`,
  )
  await t.rejects(run('key add', ['2'], { pem }), { code: 'NETWORK_KEY_PUBLIC' })
  await run('key add', ['2'], { pem, force: 'true' })
  t.match(await run('key list'), { exit: 1, text: /ALARM: home network key 2 is TS 33.501 Annex C.4.3/ })
  t.match((await run('key rotate', ['2', '3'])).json, { from: 2, to: 3, simsOnOld: 0 })
  await run('key retire', ['2'])
  t.match(await run('key list'), {
    exit: 0,
    json: { home: [{ id: 1 }, { id: 2, state: 'retired' }, { id: 3, profile: 'A' }] },
  })
  t.same((await run('key rewrap')).json, { files: 0, dataKeys: 0 })
  await t.rejects(run('key add', ['256']), { code: 'ID_INVALID' })
  await t.rejects(run('key rotate', ['77', '78']), { code: 'NETWORK_KEY_UNKNOWN' })
})

t.test('a subscription from its SIM to its end, each step in the audit trail', async (t) => {
  const { dir, run } = await shell(t, { 'sims.csv': csvOf(testSims(3)) })
  await run('batch import', [join(dir, 'sims.csv')], { 'mnc-digits': '2' })
  const [first, second] = [testSim(0).iccid, testSim(1).iccid]
  const opened = await run('subscriber activate', ['alice'], { sim: first, number: '+44 7400 123456' })
  t.match(opened.json, { state: 'active', iccid: first, msisdn: /^44740\S+56$/, plan: 'flat' })
  await run('subscriber suspend', ['alice'], { cause: 'unpaid', reason: 'two bills', as: 'carol' })
  await t.rejects(run('subscriber suspend', ['alice']), { code: 'SIM_STEP', hint: /tallycell subscriber resume alice/ })
  await t.rejects(run('subscriber suspend', ['alice'], { cause: 'whim' }), { code: 'ID_INVALID', message: /customer/ })
  await run('subscriber resume', ['alice'])
  await run('subscriber lock', ['alice', 'sim-swap'])
  await t.rejects(run('subscriber swap', ['alice', second]), { code: 'SUBSCRIPTION_LOCKED' })
  await t.rejects(run('subscriber lock', ['alice', 'everything']), { code: 'ID_INVALID' })
  await run('subscriber unlock', ['alice', 'sim-swap'])
  t.match((await run('subscriber swap', ['alice', second], { cause: 'damaged' })).json, { iccid: second })
  await run('subscriber number', ['alice', '+447400123457'])
  await run('subscriber drop', ['alice'])
  await run('sim block', [second], { cause: 'stolen' })
  await run('sim unblock', [second])
  const notices = await run('subscriber notices')
  t.match(notices.text, /sim-swap-refused/)
  t.match((await run('subscriber notices', [], { sent: '1,2,3,4,5' })).json, { sent: 5 })
  t.match((await run('subscriber notices')).text, 'Every subscriber has been told.')
  await run('subscriber cease', ['alice'], { cause: 'customer' })
  await run('subscriber terminate', ['alice'])
  await t.rejects(run('subscriber resume', ['alice']), { code: 'SIM_STEP', hint: /open another/ })
  const shown = await run('subscriber show', ['alice'])
  t.match(shown.text, /suspend: active -> suspended, unpaid, by carol: two bills/)
  t.notMatch(shown.text, /7400123456|7400123457/, 'numbers are masked')
  await run('sim reserve', [testSim(2).iccid])
  const store = await openStore({ path: join(dir, 's.db') })
  const trail = await store.batch((sql) => listAudit(sql, payerId('default'), 0n, 100))
  const check = await verifyAudit((work) => store.batch(work), payerId('default'))
  await store.close()
  t.equal(check.broken, undefined)
  t.match(
    trail.map(({ action, target, status }) => `${action} ${target} ${status}`),
    [
      'subscriber activate alice 200',
      'subscriber suspend alice 200',
      'subscriber resume alice 200',
      'subscriber lock alice 200',
      'subscriber swap alice 409',
      'subscriber unlock alice 200',
      'subscriber swap alice 200',
      'subscriber number alice 200',
      'subscriber drop alice 200',
      `sim block ${second} 200`,
      `sim unblock ${second} 200`,
      'subscriber cease alice 200',
      'subscriber terminate alice 200',
      `sim reserve ${testSim(2).iccid} 200`,
    ],
  )
  t.equal(trail[1]?.actor, 'cli:carol')
})

t.test('numbers come and go by files', async (t) => {
  const { dir, run } = await shell(t, {
    'sims.csv': csvOf(testSims(1)),
    pin: '4711\n',
    'tallycell.yaml': 'porting: {adapter: file}\n',
  })
  await run('batch import', [join(dir, 'sims.csv')], { 'mnc-digits': '2' })
  await run('subscriber activate', ['alice'], { sim: testSim(0).iccid })
  t.match((await run('port list')).text, 'No such ports.')
  const options = { partner: 'other', account: 'A-17', 'pin-file': join(dir, 'pin'), date: '2026-12-01' }
  const asked = await run('port in', ['alice', '+447400123456'], options)
  t.match(asked.json, { state: 'submitted', reference: 'port-1', foc: '2026-12-01T00:00:00Z' })
  const order = JSON.parse(readFileSync(join(dir, 'porting/out/port-1-submit.json'), 'utf8'))
  t.match(order, {
    format: 'tallycell-port/1',
    order: 'submit',
    port: '1',
    direction: 'in',
    msisdn: '447400123456',
    pin: '4711',
  })
  t.equal(statSync(join(dir, 'porting/out/port-1-submit.json')).mode & 0o777, 0o600)
  t.match((await run('port answers')).text, 'No answers are there.')
  const say = (name: string, answer: object | string) =>
    writeFileSync(join(dir, 'porting/in', name), typeof answer === 'string' ? answer : JSON.stringify(answer))
  say('1.json', { format: 'tallycell-port/1', port: '1', answer: 'confirm', reference: 'OTHER-9' })
  say('2.json', '{')
  say('3.json', { format: 'tallycell-port/1', port: '77', answer: 'confirm' })
  say('4.json', { format: 'tallycell-port/1', port: '1', answer: 'confirm' })
  say('5.json', { format: 'tallycell-port/1', port: '1', answer: 'perhaps' })
  const taken = await run('port answers')
  t.equal(taken.exit, 65)
  t.match(taken.json, {
    answers: [
      { file: '1.json', state: 'confirmed' },
      { file: '2.json', problem: 'it is no JSON' },
      { file: '3.json', problem: /no port 77/ },
      { file: '4.json', state: 'confirmed' },
      { file: '5.json', problem: /no answer of the form/ },
    ],
  })
  t.ok(existsSync(join(dir, 'porting/bad/5.json')) && existsSync(join(dir, 'porting/done/1.json')))
  await t.rejects(run('port cancel', ['1']), { code: 'SIM_STEP', hint: /tallycell port complete 1/ })
  await run('port complete', ['1'])
  t.match((await run('subscriber show', ['alice'])).json, { msisdn: /^44740/ })
  t.match((await run('port show', ['1'])).json, { state: 'completed', reference: 'OTHER-9' })
  const out = await run('port out', ['alice', '+447400123456'], { partner: 'third' })
  t.match(out.json, { state: 'submitted' })
  t.match((await run('port cancel', ['2'])).json, { state: 'cancelled' })
  t.ok(existsSync(join(dir, 'porting/out/port-2-cancel.json')))
  t.match((await run('port list', [], { open: 'true' })).text, 'No such ports.')
  t.notMatch((await run('port list')).text, /447400123456/)
  await t.rejects(run('port in', ['alice', '+447400123458'], { partner: 'x', date: 'soon' }), { code: 'ID_INVALID' })
})
