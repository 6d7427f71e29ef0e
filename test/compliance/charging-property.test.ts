import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { REMAINDER_PARTS } from '../../billing/charging/plan/wallet.ts'
import { openStore, type Store } from '../../core/store/store.ts'
import { commands, live } from '../property/charging-interleavings.ts'
import {
  accounts,
  engine,
  faults,
  giveMoney,
  giveOctets,
  grantOf,
  NOON,
  PLAN,
  prepare,
  request,
} from './charging-world.ts'
import { newDatabase, onEachEngine } from './engines.ts'

const PRICE = 1_234_567n

const ODD = { ...PLAN, sessions: 3, tariffs: [{ name: 'any', when: {}, price: { octets: Number(PRICE) } }] }

const sum = (all: Record<string, bigint>, part: string): bigint =>
  Object.entries(all).reduce((total, [account, amount]) => (account.includes(part) ? total + amount : total), 0n)

async function check(
  open: () => Promise<Store>,
  money: bigint,
  bundle: bigint,
  list: Parameters<typeof live>[1],
): Promise<void> {
  const store = await open()
  await prepare(store, [ODD])
  await giveMoney(store, 'alice-data', money)
  await giveMoney(store, 'bob-data', money / 3n)
  await giveOctets(store, 'subscriber:alice-data', bundle, NOON + 300_000n)
  await store.close()
  const stores: Store[] = []
  const reopen = async (): Promise<Store> => {
    // Abandoned as by a crash: nothing is said to the store before.
    const next = await open()
    stores.push(next)
    return next
  }
  try {
    const { octets, late } = await live(reopen, list, ['alice-data', 'alice-data', 'bob-data'])
    const last = await reopen()
    const wrong = await faults(last)
    if (wrong.length > 0) throw new Error(JSON.stringify(wrong))
    const all = await accounts(last)
    const overuse = sum(all, ':overuse:')
    if (overuse * 1_000_000n > late * PRICE + PRICE)
      throw new Error(`obedient peers overused ${overuse} with ${late} late octets`)
    const [row] = await last.batch((sql) =>
      sql.rows<{ left: bigint }>('select cast(sum(remainder) as bigint) as left from wallet'),
    )
    const rated = octets - sum(all, ':consumed:')
    const [expected, booked] = [rated * PRICE * 3n, sum(all, ':income:') * REMAINDER_PARTS + (row?.left ?? 0n)]
    if (expected !== booked) throw new Error(`${octets} octets used: ${booked} booked, ${expected} expected`)
  } finally {
    for (const store of stores) await store.close()
  }
}

t.test('property: each number is charged once, in whatever order, across crashes (sqlite)', async (t) => {
  const folder = t.testdir()
  let run = 0
  await fc.assert(
    fc.asyncProperty(commands, fc.bigInt(0n, 20_000_000n), fc.bigInt(1n, 8_000_000n), async (list, money, bundle) => {
      const path = join(folder, `${run++}.db`)
      await check(() => openStore({ path }), money + 3n, bundle, list)
    }),
    { numRuns: Number(process.env.CHARGING_RUNS ?? 25), endOnFailure: true },
  )
})

const server = process.env.TEST_POSTGRESQL
if (server)
  t.test('property: each number is charged once, in whatever order, across crashes (postgresql)', async (t) => {
    await fc.assert(
      fc.asyncProperty(commands, fc.bigInt(0n, 20_000_000n), fc.bigInt(1n, 8_000_000n), async (list, money, bundle) => {
        const url = await newDatabase(t, server)
        await check(() => openStore({ url }), money + 3n, bundle, list)
      }),
      { numRuns: 6, endOnFailure: true },
    )
  })

onEachEngine('two nodes on one wallet never overspend it', async (t, database) => {
  const [one, two] = [await database.open(), await database.open()]
  await prepare(one, [{ ...PLAN, sessions: 20 }])
  const given = 60_000_000n
  await giveOctets(one, 'subscriber:alice-data', given)
  const nodes = [engine(one, { node: 'n1', inFlight: 4 }), engine(two, { node: 'n2', inFlight: 4 })]
  const drain = async (index: number): Promise<bigint> => {
    const session = `s${index}`
    const ask = (number: bigint, octets?: bigint) =>
      request({ session, number, ...(octets === undefined ? {} : { octets }), at: NOON + number })
    // Each session is asked for on both nodes in turn: no node may believe what it remembers.
    const node = (number: bigint) => nodes[(index + Number(number)) % nodes.length] ?? engine(one)
    let used = 0n
    let answer = await node(0n).open(ask(0n))
    let number = 1n
    for (; grantOf(answer) > 0n; number++) {
      used += grantOf(answer)
      answer = await node(number).update(ask(number, grantOf(answer)))
    }
    await node(number).close(request({ session, number, wanted: false, at: NOON + number }))
    return used
  }
  const used = (await Promise.all(Array.from({ length: 10 }, (_, index) => drain(index)))).reduce((a, b) => a + b, 0n)
  const all = await accounts(one)
  t.equal(sum(all, ':overuse:'), 0n)
  t.equal(sum(all, ':consumed:'), used)
  t.equal(used + sum(all, ':bundle:'), given)
  t.ok(used > given - 1_000_000n, 'no more than crumbs are left')
  t.same(await faults(one), [])
})
