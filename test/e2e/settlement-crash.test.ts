// Killed at any point, settlement pays once. A crash is a store and a chain that stop answering; what comes after knows nothing
// but what is in the database and on the chain.
import { setTimeout as sleep } from 'node:timers/promises'
import { address, createNoopSigner } from '@solana/kit'
import { getTransferSolInstruction } from '@solana-program/system'
import { getCloseAccountInstruction } from '@solana-program/token'
import t from 'tap'
import { listPayouts, readEpoch } from '../../billing/epoch/store.ts'
import type { ChainPort } from '../../billing/settlement/chain.ts'
import { listUnfinished, type StoredTransaction } from '../../billing/settlement/store.ts'
import {
  addressOf,
  buildTransaction,
  memoInstruction,
  sign,
  tokenAccountOf,
} from '../../billing/settlement/transactions.ts'
import { microtokens } from '../../core/kernel/units.ts'
import type { SigningKey } from '../../core/runtime/keys.ts'
import type { Store } from '../../core/store/store.ts'
import { createTestKey } from '../unit/log-fixture.ts'
import { createWorld, PARTNER, payable, startTestChain, testKeys, type World } from './settlement-world.ts'

const test = await startTestChain()
t.teardown(() => test.embedded.stop())
const deadline = () => AbortSignal.timeout(60_000)

/** A world with one owner who has earned 1,000 microtokens in an epoch that is closed. */
async function earned(folder: string, name: string): Promise<{ world: World; owner: SigningKey; epoch: bigint }> {
  const world = await createWorld(folder, name, test)
  await world.treasurer.deposit(PARTNER, 'first', microtokens(1_000_000n))
  const owner = await world.owner('cafe')
  await world.use('cafe', 2_000_000n)
  const { epoch } = await world.close()
  return { world, owner, epoch }
}

class Crash extends Error {
  override readonly message = 'crash'
}

/** A process that dies at its `last` write or submission, before it takes effect (even numbers) or after (odd ones). */
function mortal({ store, chain }: World, last: number): { store: Store; chain: ChainPort; steps: () => number } {
  let steps = 0
  const alive = (): void => {
    if (steps > last) throw new Crash()
  }
  const step = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    alive()
    if (steps++ === last) throw new Crash()
    const result = await work()
    if (steps++ === last) throw new Crash()
    return result
  }
  const dying: ChainPort = { ...chain, submit: (wire) => step(() => chain.submit(wire)) }
  const mortalStore: Store = { ...store, batch: (work) => step(() => store.batch(work)) }
  return { store: mortalStore, chain: dying, steps: () => steps }
}

t.test('killed at every write and every submission, before and after', async (t) => {
  const counted = await earned(t.testdir(), 'count')
  const immortal = mortal(counted.world, Number.POSITIVE_INFINITY)
  await counted.world.settlement({}, immortal).settled(counted.epoch, deadline())
  await counted.world.store.close()
  const points = Array.from({ length: immortal.steps() }, (_, at) => at)
  t.ok(points.length >= 20, `${points.length} points`)
  const folder = t.testdir(Object.fromEntries(points.map((at) => [`${at}`, {}])))
  const die = async (at: number): Promise<{ at: number; died: boolean; paid: bigint; due: bigint; left: bigint }> => {
    const { world, owner, epoch } = await earned(`${folder}/${at}`, `crash ${at}`)
    const settlement = world.settlement({}, mortal(world, at))
    const died = await settlement.settled(epoch, deadline()).then(
      () => false,
      (error: unknown) => {
        if (error instanceof Crash) return true
        throw error
      },
    )
    await world.settlement().settled(epoch, deadline())
    // Whatever else might be on its way would be final by now.
    await sleep(1500)
    const paid = await world.balance(owner)
    const due = await payable(world, 'cafe')
    const left = await world.treasurer.balance(PARTNER)
    await world.store.close()
    return { at, died, paid, due, left }
  }
  for (let from = 0; from < points.length; from += 8)
    for (const { at, died, ...books } of await Promise.all(points.slice(from, from + 8).map(die))) {
      t.same(books, { paid: 1000n, due: 0n, left: 999_000n }, `killed at ${at}`)
      // The number of submissions depends on the chain's pace, so the last points may not be reached.
      if (at < points.length - 8) t.ok(died, `it was killed at ${at}`)
    }
})

/** Rounds until the epoch is anchored; its payouts are still held. */
async function anchored(world: World, epoch: bigint): Promise<void> {
  const settlement = world.settlement({ hold: 1_000_000_000n })
  while ((await readEpoch(world.store, epoch))?.state !== 'anchored') await settlement.runOnce()
}

/** Rounds until the payout has been built and signed `attempt` times; answers it. */
async function attempted(world: World, chain: ChainPort, attempt: bigint): Promise<StoredTransaction> {
  const settlement = world.settlement({}, { chain })
  for (;;) {
    await settlement.runOnce()
    const payout = (await listUnfinished(world.store)).find(({ kind }) => kind === 'payout')
    if (payout?.wire && payout.attempt >= attempt) return payout
    await sleep(20)
  }
}

t.test('a blockhash that dies is replaced, and a stranger cannot pretend that it was paid', async (t) => {
  const { world, owner, epoch } = await earned(t.testdir(), 'dies')
  t.teardown(() => world.store.close())
  await anchored(world, epoch)
  const held: Uint8Array[] = []
  const deaf: ChainPort = {
    ...world.chain,
    submit: async (wire) => {
      held.push(wire)
      return { accepted: true }
    },
  }
  const first = await attempted(world, deaf, 1n)
  await forge(world, first.memo)
  const second = await attempted(world, deaf, 2n)
  t.equal(second.memo, first.memo)
  t.not(second.signature, first.signature)
  const [wire] = held
  if (!wire) throw new RangeError('nothing was sent')
  const late = await world.chain.submit(wire)
  t.equal(late.accepted, false, 'the first attempt is dead indeed')
  t.equal(await world.balance(owner), 0n)
  await world.settlement().settled(epoch, deadline())
  t.equal(await world.balance(owner), 1000n)
  t.equal(await payable(world, 'cafe'), 0n)
})

/** A stranger's transaction that carries our memo and names the fee payer. */
async function forge({ chain, oracles }: World, memo: string): Promise<void> {
  const stranger = createTestKey('stranger')
  const from = addressOf(stranger.publicKey)
  test.embedded.fund(from, 1_000_000_000)
  const source = createNoopSigner(address(from))
  const gift = getTransferSolInstruction({ source, destination: address(oracles.feePayer), amount: 1_000_000n })
  const unsigned = buildTransaction(from, await chain.latestBlockhash(), [memoInstruction(memo, []), gift])
  const { wire, signature } = sign(unsigned, [stranger])
  const submission = await chain.submit(wire)
  if (!submission.accepted) throw new Error(submission.reason)
  while ((await chain.status(signature))?.commitment !== 'finalized') await sleep(50)
  const history = await chain.history(oracles.feePayer, { sinceSlot: 0n, minSlot: 0n })
  if (!history.some((entry) => entry.memo === memo)) throw new Error('the forgery is not in the history')
}

t.test('a payment that the node does not remember by its signature is found in the history', async (t) => {
  const { world, owner, epoch } = await earned(t.testdir(), 'forgetful')
  t.teardown(() => world.store.close())
  await anchored(world, epoch)
  const forgetful: ChainPort = { ...world.chain, status: async () => undefined }
  await world.settlement({}, { chain: forgetful }).settled(epoch, deadline())
  t.equal(await world.balance(owner), 1000n)
  t.match(await listPayouts(world.store, epoch), [{ state: 'paid' }])
})

t.test('an owner who closes the account in the meantime stops no other payout', async (t) => {
  const world = await createWorld(t.testdir(), 'closes', test)
  t.teardown(() => world.store.close())
  await world.treasurer.deposit(PARTNER, 'first', microtokens(1_000_000n))
  const [owner, other] = [await world.owner('cafe'), await world.owner('kiosk')]
  await world.use('cafe', 2_000_000n)
  await world.use('kiosk', 4_000_000n)
  const { epoch } = await world.close()
  await anchored(world, epoch)
  // Batched together, but before anything is built one of the two accounts is gone.
  const unbuilt: ChainPort = { ...world.chain, latestBlockhash: () => Promise.reject(new Crash()) }
  await t.rejects(world.settlement({}, { chain: unbuilt }).runOnce(), { message: 'crash' })
  await closeAccount(world, owner)
  const settlement = world.settlement()
  const states = async () => (await listPayouts(world.store, epoch)).map(({ state }) => state)
  while ((await states())[1] !== 'paid') await settlement.runOnce()
  t.same(await states(), ['waiting', 'paid'])
  t.equal(await world.balance(other), 2000n)
  await world.openAccount(owner)
  await settlement.settled(epoch, deadline())
  t.equal(await world.balance(owner), 1000n)
  t.equal(await payable(world, 'cafe'), 0n)
})

/** An owner takes the rent back. */
async function closeAccount({ chain, treasurer }: World, owner: SigningKey): Promise<void> {
  const wallet = addressOf(owner.publicKey)
  const { mint } = await treasurer.open(PARTNER)
  const account = address(await tokenAccountOf(wallet, mint))
  const close = getCloseAccountInstruction({
    account,
    destination: address(wallet),
    owner: createNoopSigner(address(wallet)),
  })
  const { wire } = sign(buildTransaction(wallet, await chain.latestBlockhash(), [close]), [owner])
  const submission = await chain.submit(wire)
  if (!submission.accepted) throw new Error(submission.reason)
  while ((await chain.accounts([account]))[0]) await sleep(20)
}

t.test('what was signed for a chain that is gone is dead on the next one, and refused where chains last', async (t) => {
  const { world, owner, epoch } = await earned(t.testdir(), 'gone')
  t.teardown(() => world.store.close())
  await anchored(world, epoch)
  const deaf: ChainPort = { ...world.chain, submit: async () => ({ accepted: true }) }
  await attempted(world, deaf, 1n)

  const second = await startTestChain()
  t.teardown(() => second.embedded.stop())
  await t.rejects(world.settlement({ volatile: false }, second).runOnce(), { code: 'CHAIN_CHANGED' })
  const oracle = await testKeys('gone').signingKey('oracle-1')
  second.embedded.fund(addressOf(oracle.publicKey), 10_000_000_000)
  const after = world.settlement({}, second)
  for (let rows = await listPayouts(world.store, epoch); rows[0]?.state !== 'waiting'; ) {
    await after.runOnce()
    rows = await listPayouts(world.store, epoch)
  }
  t.equal(await world.balance(owner), 0n)
  t.match(await world.metrics(), /reason="treasury"\} 1000/, 'the treasury must be opened again on the new chain')
})
