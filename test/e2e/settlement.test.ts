// Payouts on the embedded chain, from receipts to balances.
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { Value } from 'typebox/value'
import { epochCommands } from '../../billing/epoch/commands.ts'
import { listEpochs, listPayouts, readEpoch } from '../../billing/epoch/store.ts'
import { settlementCommands } from '../../billing/settlement/commands.ts'
import { createRpcChain } from '../../billing/settlement/rpc-chain.ts'
import type { Command, CommandContext } from '../../core/cli/command.ts'
import type { Config, Section, Settings } from '../../core/config/section.ts'
import { microtokens, millis } from '../../core/kernel/units.ts'
import { createLogger } from '../../core/log/logger.ts'
import { createTestKey } from '../unit/log-fixture.ts'
import { createWorld, PARTNER, payable, STRANGER, startTestChain, testKeys, type World } from './settlement-world.ts'

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

t.test('an epoch on chain is verified by what a stranger can read', async (t) => {
  const world = await createWorld(t.testdir(), 'verify', test)
  t.teardown(() => world.store.close())
  await world.treasurer.deposit(PARTNER, 'first', microtokens(1_000_000n))
  const owner = await world.owner('cafe')
  await world.claim('kiosk', owner)
  await world.claim('nobody-home', createTestKey('nobody home'))
  await world.use('cafe', 2_000_000n)
  await world.use('kiosk', 2_000_000n)
  await world.use('nobody-home', 2000n)
  const { epoch } = await world.close()
  const settlement = world.settlement()
  const context = contextOf(world)
  const verify = (...options: [string, string][]) =>
    command('verify').run(
      { args: { epoch: `${epoch}` }, options: { rpc: test.embedded.url, ...Object.fromEntries(options) } },
      context,
    )
  const early = await verify()
  t.equal(early.exit, 1)
  t.match(
    early.text,
    `Epoch ${epoch} is NOT as it must be: epoch ${epoch} is not anchored on the chain, or not finally.`,
  )
  t.match((await verify(['log-only', 'true'])).text, /The chain was not asked\./)
  while ((await listPayouts(world.store, epoch))[0]?.state !== 'paid') await settlement.runOnce()
  const found = await verify()
  t.equal(found.exit, 0, found.text)
  t.match(
    found.text,
    /1 transactions paid 0.002000 tokens, nothing twice and nothing to anybody else\.\n.*0\.000001 tokens are still to be paid/,
  )
  t.match(found.json, { verified: true, paid: 2000n, total: 2001n })

  const shown = await command('show').run({ args: { epoch: `${epoch}` }, options: {} }, context)
  t.match(shown.text, /^Epoch 1 is anchored: /)
  t.match(
    shown.text,
    /RADIO +PAYER +OCTETS +TOKENS +STATE +WALLET +TRANSACTION\ncafe +partner +2\.0 MB +0\.001000 +paid/,
  )
  t.match(shown.text, /nobody-home +partner +2\.0 kB +0\.000001 +waiting +\w+ +-\n/)
  t.match((await command('show').run({ args: {}, options: {} }, context)).text, /2 {2}open .*\n +1 {2}anchored/)
  await t.rejects(command('show').run({ args: { epoch: '99' }, options: {} }, context), { code: 'EPOCH_UNKNOWN' })
  const closed = await command('close').run({ args: {}, options: {} }, context)
  t.match(closed.text, /^Epoch 2 is closed\. Nothing was counted in it, so it pays nothing\.\n/)

  function command(name: string): Command {
    const commands = [
      ...epochCommands({ close: () => world.close() }),
      ...settlementCommands({ logDirectory: () => world.directory }),
    ]
    const wanted = commands.find(({ path }) => path.at(-1) === name)
    if (!wanted) throw new RangeError(name)
    return wanted
  }
})

/** What a command is given, with the default configuration. */
function contextOf(world: World): CommandContext {
  const config: Config = {
    dataDir: '/',
    file: undefined,
    settings: [],
    get: <Of extends Section>({ schema }: Of) => Value.Create(schema) as Settings<Of>,
    resolvePath: (file) => file,
  }
  return {
    config: async () => config,
    store: async () => world.store,
    keys: async () => testKeys('verify'),
    log: createLogger({ level: 'silent' }),
    clock: () => world.clock.now,
    signal: new AbortController().signal,
    json: false,
    progress: () => ({ update: () => undefined, end: () => undefined }),
    say: () => undefined,
  }
}
