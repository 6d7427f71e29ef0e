// Payouts on the embedded chain, from receipts to balances.
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { listEpochs, listPayouts, readEpoch } from '../../billing/epoch/store.ts'
import { createRpcChain } from '../../billing/settlement/rpc-chain.ts'
import { microtokens, millis } from '../../core/kernel/units.ts'
import { createTestKey } from '../unit/log-fixture.ts'
import { createWorld, PARTNER, payable, STRANGER, startTestChain } from './settlement-world.ts'

const test = await startTestChain()
t.teardown(() => test.embedded.stop())
const deadline = () => AbortSignal.timeout(60_000)

t.test('a treasury is made once, however often it is asked for', async (t) => {
  const world = await createWorld(t.testdir(), 'treasury', test)
  t.teardown(() => world.store.close())
  const first = await world.treasurer.open(PARTNER)
  const second = await world.treasurer.open(PARTNER)
  t.same(second, first)
  const deposit = await world.treasurer.deposit(PARTNER, 'first', microtokens(5_000_000n))
  t.equal(await world.treasurer.deposit(PARTNER, 'first', microtokens(5_000_000n)), deposit, 'found, not repeated')
  t.equal(await world.treasurer.balance(PARTNER), 5_000_000n)
  await world.treasurer.deposit(PARTNER, 'second', microtokens(1n))
  t.equal(await world.treasurer.balance(PARTNER), 5_000_001n)
  const other = await createWorld(t.testdir({ other: {} }), 'treasury', test)
  t.teardown(() => other.store.close())
  t.same(await other.treasurer.open(PARTNER), first, 'another database with the same keys finds the same accounts')
})

t.test('an epoch is anchored and paid', async (t) => {
  const world = await createWorld(t.testdir(), 'happy', test)
  t.teardown(() => world.store.close())
  await world.treasurer.deposit(PARTNER, 'first', microtokens(1_000_000n))
  const owner = await world.owner('cafe')
  await world.use('cafe', 50_000_000n)
  const { epoch, table } = await world.close()
  t.equal(table.total, 25_000n)
  t.equal(await payable(world, 'cafe'), 25_000n)
  await world.settlement().settled(epoch, deadline())
  t.equal(await world.balance(owner), 25_000n)
  t.equal(await world.treasurer.balance(PARTNER), 975_000n)
  t.equal(await payable(world, 'cafe'), 0n)
  const [row] = await listPayouts(world.store, epoch)
  t.match(row, { radio: 'cafe', state: 'paid', amount: 25_000n, signature: /^[1-9A-HJ-NP-Za-km-z]{64,88}$/ })
  t.match(await readEpoch(world.store, epoch), { state: 'settled', anchor: String })

  const empty = await world.close()
  t.equal(empty.table.rows.length, 0)
  await world.settlement().settled(empty.epoch, deadline())
  t.equal((await listEpochs(world.store, 10)).length, 3, 'two are settled, the third is open')
})

t.test('a missing token account waits, and is paid once it is there', async (t) => {
  const world = await createWorld(t.testdir(), 'waits', test)
  t.teardown(() => world.store.close())
  await world.treasurer.deposit(PARTNER, 'first', microtokens(1_000_000n))
  const ready = await world.owner('cafe')
  const late = createTestKey('late owner')
  await world.claim('kiosk', late)
  await world.use('cafe', 2_000_000n)
  await world.use('kiosk', 4_000_000n)
  const { epoch } = await world.close()
  const settlement = world.settlement()
  for (let rows = await listPayouts(world.store, epoch); rows[0]?.state !== 'paid'; ) {
    await settlement.runOnce()
    rows = await listPayouts(world.store, epoch)
  }
  t.equal(await world.balance(ready), 1000n)
  t.same(
    (await listPayouts(world.store, epoch)).map(({ radio, state }) => [radio, state]),
    [
      ['cafe', 'paid'],
      ['kiosk', 'waiting'],
    ],
  )
  t.match(await world.metrics(), /tallycell_settlement_waiting_microtokens\{reason="token-account"\} 2000/)
  await world.openAccount(late)
  await settlement.settled(epoch, deadline())
  t.equal(await world.balance(late), 2000n)
  t.equal(await world.balance(ready), 1000n)
})

t.test('thirteen owners take two transactions, and one owner with two radios one transfer', async (t) => {
  const world = await createWorld(t.testdir(), 'thirteen', test)
  t.teardown(() => world.store.close())
  await world.treasurer.deposit(PARTNER, 'first', microtokens(1_000_000n))
  const radios = Array.from({ length: 13 }, (_, at) => `radio-${at}`)
  const owners = await Promise.all(radios.map((radio) => world.owner(radio)))
  const [first] = owners
  if (!first) throw new RangeError('no owner')
  await world.claim('second-radio', first)
  for (const [at, radio] of radios.entries()) await world.use(radio, 2000n * BigInt(at + 1))
  await world.use('second-radio', 2_000_000n)
  const { epoch } = await world.close()
  await world.settlement().settled(epoch, deadline())
  const balances = await Promise.all(owners.map((owner) => world.balance(owner)))
  t.same(balances, [1001n, ...radios.slice(1).map((_, at) => BigInt(at + 2))])
  const signatures = new Set((await listPayouts(world.store, epoch)).map(({ signature }) => signature))
  t.equal(signatures.size, 2)
})

t.test('a shortfall of one payer holds its own payouts only; dust waits for the minimum', async (t) => {
  const world = await createWorld(t.testdir(), 'shortfall', test)
  t.teardown(() => world.store.close())
  await world.treasurer.deposit(PARTNER, 'first', microtokens(1_000_000n))
  await world.treasurer.deposit(STRANGER, 'first', microtokens(999n))
  const [owner, poor] = [await world.owner('cafe'), await world.owner('kiosk')]
  await world.use('cafe', 2_000_000n)
  await world.use('cafe', 2_000_000n, 'guest')
  await world.use('kiosk', 2000n)
  const { epoch } = await world.close()
  const settlement = world.settlement({ minimum: 2n })
  const paid = async () => (await listPayouts(world.store, epoch)).filter(({ state }) => state === 'paid').length
  while ((await paid()) < 1) await settlement.runOnce()
  await settlement.runOnce()
  t.equal(await world.balance(owner), 1000n)
  t.equal(await world.balance(poor), 0n)
  t.match(await world.metrics(), /waiting_microtokens\{reason="funds"\} 1000/)
  t.match(await world.metrics(), /waiting_microtokens\{reason="minimum"\} 1\n/)
  await world.treasurer.deposit(STRANGER, 'second', microtokens(1n))
  await world.use('kiosk', 2000n)
  const next = await world.close()
  await settlement.settled(epoch, deadline())
  await settlement.settled(next.epoch, deadline())
  t.equal(await world.balance(owner), 2000n)
  t.equal(await world.balance(poor), 2n, 'the dust of two epochs came to the minimum')
  t.equal(await world.treasurer.balance(STRANGER), 0n)
})

t.test('payouts wait for the hold', async (t) => {
  const world = await createWorld(t.testdir(), 'hold', test)
  t.teardown(() => world.store.close())
  await world.treasurer.deposit(PARTNER, 'first', microtokens(1_000_000n))
  const owner = await world.owner('cafe')
  await world.use('cafe', 2_000_000n)
  const { epoch } = await world.close()
  const settlement = world.settlement({ hold: 1000n })
  while ((await readEpoch(world.store, epoch))?.state !== 'anchored') await settlement.runOnce()
  world.clock.now = millis(world.clock.now + 999n)
  t.equal((await settlement.runOnce()).pending, 0)
  world.clock.now = millis(world.clock.now + 1n)
  await settlement.settled(epoch, deadline())
  t.equal(await world.balance(owner), 1000n)
})

t.test('an unreachable chain is tried again, counted, and loses nothing', async (t) => {
  const world = await createWorld(t.testdir(), 'unreachable', test)
  t.teardown(() => world.store.close())
  await world.treasurer.deposit(PARTNER, 'first', microtokens(1_000_000n))
  const owner = await world.owner('cafe')
  await world.use('cafe', 2_000_000n)
  const { epoch } = await world.close()
  const nobody = createRpcChain({ url: 'http://127.0.0.1:9', timeout: 1000 })
  const settlement = world.settlement({ poll: 10 }, { chain: nobody })
  await settlement.start()
  while (!/failures_total\{code="CHAIN_UNREACHABLE"\} [2-9]/.test(await world.metrics())) await sleep(10)
  t.match(settlement.health?.(), /^nobody is paid: no answer from the chain at http:\/\/127.0.0.1:9: /)
  await settlement.stop()
  t.equal(await world.balance(owner), 0n)
  const again = world.settlement()
  await again.start()
  while ((await readEpoch(world.store, epoch))?.state !== 'settled') await sleep(20)
  await again.stop()
  t.equal(again.health?.(), undefined)
  t.equal(await world.balance(owner), 1000n)
})
