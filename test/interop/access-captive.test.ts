// FreeRADIUS' radclient as the access point of a captive portal: PAP, CHAP and MS-CHAPv2 with vouchers, and with nothing else.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { putPlan, putTenant } from '../../billing/charging/catalogue/store.ts'
import { createStanding } from '../../billing/charging/standing.ts'
import { createCaptive, createCaptiveVouchers } from '../../billing/charging/vouchers/captive.ts'
import type { StandingPort } from '../../core/events/standing.ts'
import { payerId } from '../../core/kernel/ids.ts'
import { microtokens, millis } from '../../core/kernel/units.ts'
import { openStore } from '../../core/store/store.ts'
import { md4 } from '../../core/wire/bytes/md4.ts'
import { authenticatorResponse, mppeKeys, ntPasswordHash, ntResponse } from '../../core/wire/radius/chap.ts'
import { createSubscriberDirectory, enrolAnonymous } from '../../sim-provisioning/module.ts'
import { accessWorld, SECRET } from '../emulators/eap-world.ts'
import { findProgram } from '../emulators/program.ts'

const GUEST = {
  tenant: 'cafe',
  id: 'guest',
  version: 1,
  name: 'Guests',
  kind: 'prepaid',
  tariffs: [{ name: 'any', when: {}, price: { octets: 'bundle' } }],
  bundles: [{ id: 'day', unit: 'octet', amount: 5_000_000_000, validity: { days: 1 }, price: 0 }],
}

const folder = t.testdir()
const store = await openStore({ path: join(folder, 'access.db') })
t.teardown(() => store.close())
const key = randomBytes(32)
const now = () => millis(BigInt(Date.now()))
await store.batch(async (sql) => {
  await putTenant(sql, { tenant: payerId('cafe'), currency: 'EUR', decimals: 2, mode: 'half-even', timeZone: 'UTC' })
  await putPlan(sql, GUEST, now())
})
const voucher = async () => {
  const wanted = { tenant: payerId('cafe'), series: 's', count: 1, amount: 0n, offer: 'guest/day', expires: undefined }
  const [made] = await store.batch((sql) => createCaptiveVouchers(sql, key, wanted, randomBytes))
  if (made === undefined) throw new Error('no voucher')
  return made
}
const subscribers = createSubscriberDirectory(store)
await subscribers.load()
const captive = createCaptive({ store, subscribers, key: async () => key, enrol: enrolAnonymous })
const standing: StandingPort = createStanding({ store, subscribers, radioClass: () => undefined }, microtokens(0n))
const { port, aaa, metrics } = await accessWorld(t, store, { folder, captive, standing })

async function radclient(lines: readonly string[]): Promise<string> {
  const program = findProgram('radclient')
  if (program === undefined) throw new Error('radclient is missing: install the Debian package freeradius-utils')
  const child = spawn(program, ['-x', '-r', '1', '-t', '2', `127.0.0.1:${port}`, 'auth', SECRET])
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  child.stdin.end(`${[...lines, 'Message-Authenticator = 0x00'].join('\n')}\n`)
  await once(child, 'close')
  return output
}

/** The octets of an attribute of the answer. */
function answered(output: string, name: string): Buffer {
  const [, value = ''] = new RegExp(`^\\t${name} = 0x([0-9a-f]+)`, 'm').exec(output.split('Received ')[1] ?? '') ?? []
  return Buffer.from(value, 'hex')
}

/** Within the limits of the bundle: of a day, five gigabytes. */
function limits(t: Test, output: string): void {
  const seconds = Number(/\tSession-Timeout = ([0-9]+)/.exec(output)?.[1])
  t.ok(seconds > 0 && seconds <= 3600, `${seconds} s`)
  t.match(output, /ChilliSpot-Max-Total-Octets = 705032704/, output)
  t.match(output, /Termination-Action = RADIUS-Request/)
}

t.test('PAP, however it is typed; the guest is a subscriber from then on', async (t) => {
  const { name, password } = await voucher()
  const typed = `${password.slice(0, 4).toUpperCase()}-${password.slice(4)}`
  for (const told of [password, typed]) {
    const output = await radclient([`User-Name = "${name}"`, `User-Password = "${told}"`])
    t.match(output, 'Received Access-Accept')
    limits(t, output)
    const granted = aaa.classes.open(answered(output, 'Class'), now())
    t.equal(granted?.subscriber, `voucher-${name}`)
  }
  const known = subscribers.byId(`voucher-${name}` as never)
  t.match(known, { payer: 'cafe', plan: 'guest' })
  t.equal(subscribers.imsiOf(`voucher-${name}` as never), undefined)
})

t.test('CHAP, with the challenge of radclient', async (t) => {
  const { name, password } = await voucher()
  const output = await radclient([`User-Name = "${name}"`, `CHAP-Password = "${password}"`])
  t.match(output, 'Received Access-Accept')
  limits(t, output)
  const wrong = await radclient([`User-Name = "${name}"`, `CHAP-Password = "${password}x"`])
  t.match(wrong, 'Received Access-Reject')
})

t.test('MS-CHAPv2: both prove that they know the password, and have the same keys', async (t) => {
  const { name, password } = await voucher()
  const exchange = {
    authenticatorChallenge: randomBytes(16),
    peerChallenge: randomBytes(16),
    userName: Buffer.from(name),
  }
  const hash = ntPasswordHash(password)
  const ask = (response: Uint8Array) =>
    radclient([
      `User-Name = "${name}"`,
      `MS-CHAP-Challenge = 0x${exchange.authenticatorChallenge.toString('hex')}`,
      `MS-CHAP2-Response = 0x2a00${exchange.peerChallenge.toString('hex')}${'00'.repeat(8)}${Buffer.from(response).toString('hex')}`,
    ])
  const response = ntResponse(exchange, hash)
  const output = await ask(response)
  t.match(output, 'Received Access-Accept')
  limits(t, output)
  const success = answered(output, 'MS-CHAP2-Success')
  t.equal(success[0], 0x2a)
  t.equal(success.subarray(1).toString(), authenticatorResponse(exchange, hash, response))
  const { send, receive } = mppeKeys(hash, response)
  t.equal(answered(output, 'MS-MPPE-Send-Key').toString('hex'), Buffer.from(send).toString('hex'))
  t.equal(answered(output, 'MS-MPPE-Recv-Key').toString('hex'), Buffer.from(receive).toString('hex'))
  const wrong = await ask(ntResponse(exchange, md4(Buffer.from('no'))))
  t.match(wrong, 'Received Access-Reject')
  t.match(wrong, /MS-CHAP-Error = "\*E=691 R=0 C=[0-9A-F]{32} V=3/)
})

t.test('radclient makes an MS-CHAPv1 response: refused', async (t) => {
  const { name, password } = await voucher()
  const output = await radclient([`User-Name = "${name}"`, `MS-CHAP-Password = "${password}"`])
  t.match(output, 'Received Access-Reject')
})

t.test('no voucher, another password, a bundle that is used up', async (t) => {
  const { name, password } = await voucher()
  t.match(await radclient(['User-Name = "alice"', 'User-Password = "secret"']), 'Received Access-Reject')
  t.match(await radclient([`User-Name = "${name}"`, 'User-Password = "secret"']), 'Received Access-Reject')
  t.match(await metrics.metrics(), /answers_total\{outcome="bad-password"\}/)
  t.match(await metrics.metrics(), /answers_total\{outcome="voucher-unknown"\} 1/)
  t.equal(subscribers.byId(`voucher-${name}` as never), undefined, 'a wrong password makes no subscriber')
  const subscriber = await captive.enter(name, now())
  await store.batch((sql) =>
    sql.run('update ledger_account set debits = credits where account_id like ?', `%${subscriber}%`),
  )
  t.match(await radclient([`User-Name = "${name}"`, `User-Password = "${password}"`]), 'Received Access-Reject')
  t.match(await metrics.metrics(), /answers_total\{outcome="not-entitled"\} 1/)
})
