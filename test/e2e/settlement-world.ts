// What the settlement tests share: a store, a log and a treasury on the embedded chain, radios with owners, usage that earns.
import { createHash } from 'node:crypto'
import { Registry } from 'prom-client'
import { type ClosedEpoch, closeEpoch } from '../../billing/epoch/store.ts'
import { depositsOf, payableOf, rewardsOf, treasuryOf } from '../../billing/ledger/accounts.ts'
import { balance as accountBalance, postTransfers, totals } from '../../billing/ledger/store.ts'
import { ensurePolicy } from '../../billing/log/policy-entry.ts'
import { createReceiptsStage } from '../../billing/log/receipts.ts'
import type { ChainPort } from '../../billing/settlement/chain.ts'
import { startChain } from '../../billing/settlement/connect.ts'
import type { EmbeddedChain } from '../../billing/settlement/embedded-chain.ts'
import { loadOracles, type Oracles } from '../../billing/settlement/oracles.ts'
import { openTokenAccount, tokenBalance } from '../../billing/settlement/owner-account.ts'
import { createSettlement, type Settlement, type SettlementOptions } from '../../billing/settlement/settle.ts'
import { addressOf } from '../../billing/settlement/transactions.ts'
import { createTreasurer, type Treasurer } from '../../billing/settlement/treasury.ts'
import { payerId, radioId } from '../../core/kernel/ids.ts'
import { microtokens } from '../../core/kernel/units.ts'
import { createLogger } from '../../core/log/logger.ts'
import type { KeyStore, SigningKey } from '../../core/runtime/keys.ts'
import type { Store } from '../../core/store/store.ts'
import {
  createTestKey,
  ORIGIN,
  openTestLog,
  SECRETS,
  SUBSCRIBERS,
  TERMS,
  type TestLog,
  writeRadioEvents,
  writeUsage,
} from '../unit/log-fixture.ts'

export const PARTNER = payerId('partner')
export const STRANGER = payerId('stranger')

/** Blocks of the tests' chain follow each other so quickly that a payout is final after about 0.7 s; a blockhash lives 3 s. */
const SLOT_MILLIS = 20
const POLL = 30

export interface TestChain {
  readonly embedded: Omit<EmbeddedChain, 'instance'>
  readonly chain: ChainPort
}

export async function startTestChain(slotMillis = SLOT_MILLIS): Promise<TestChain> {
  const settings = { rpc: 'embedded', minimum: 0, poll: POLL, timeout: 5000, embedded: { port: 0, slotMillis } }
  const { chain, url, fund, stop } = await startChain(settings)
  if (!fund) throw new RangeError('an embedded chain gives SOL away')
  return { embedded: { url, fund, stop }, chain }
}

/** Real keys, the same for the same `name`. */
export function testKeys(name: string): KeyStore {
  return {
    signingKey: async (key) => createTestKey(`${name} ${key}`),
    secret: async (key, length) => createHash('sha512').update(`${name} ${key}`).digest().subarray(0, length),
  }
}

export interface World extends TestLog {
  readonly chain: ChainPort
  readonly oracles: Oracles
  readonly treasurer: Treasurer
  /** What the newest settlement has measured. */
  metrics(): Promise<string>
  /** Registers a radio whose owner is `key`. */
  claim(radio: string, key: SigningKey): Promise<void>
  /** A radio of its own owner, whose token account is open. */
  owner(radio: string): Promise<SigningKey>
  openAccount(key: SigningKey): Promise<string>
  /** Octets that a radio carried for a payer's subscriber; 2,000 octets earn 1 microtoken. */
  use(radio: string, octets: bigint, subscriber?: string): Promise<void>
  /** Judges, closes, publishes. */
  close(): Promise<ClosedEpoch>
  balance(key: SigningKey): Promise<bigint>
  /** A settlement that knows nothing but the database and the chain. */
  settlement(over?: Partial<SettlementOptions>, through?: { chain?: ChainPort; store?: Store }): Settlement
}

/** `name` keeps worlds on one chain apart. */
export async function createWorld(folder: string, name: string, { embedded, chain }: TestChain): Promise<World> {
  const test = await openTestLog(folder)
  const { store, log, clock } = test
  const oracles = await loadOracles(testKeys(name))
  embedded.fund(oracles.feePayer, 10_000_000_000)
  const rates = [PARTNER, STRANGER].map((payer) => ({ payer, access: 'wifi', rate: microtokens(500n) }) as const)
  await ensurePolicy({ store, receiptLog: log, oracles: [] }, { ...TERMS, rates })
  const now = () => clock.now
  const stage = createReceiptsStage({
    store,
    receiptLog: log,
    subscribers: SUBSCRIBERS,
    secrets: SECRETS,
    clock: now,
    metrics: new Registry(),
  })
  const signal = new AbortController().signal
  const treasurer = createTreasurer(
    {
      store,
      chain,
      oracles,
      clock: now,
      origin: ORIGIN,
      signal,
      postDeposit: async (sql, { payer, reference, amount, at }) => {
        const cause = `deposit:${payer}:${reference}`
        await postTransfers(sql, [{ cause, debit: treasuryOf(payer), credit: depositsOf(payer), amount, at }])
      },
    },
    { mint: 'test', poll: POLL },
  )
  let registry = new Registry()
  const balance = async (key: SigningKey): Promise<bigint> => {
    const { mint } = await treasurer.open(PARTNER)
    return tokenBalance({ chain }, addressOf(key.publicKey), mint)
  }
  let sessions = 0
  const claim = (radio: string, key: SigningKey): Promise<void> =>
    writeRadioEvents(store, [{ radio, payout: addressOf(key.publicKey) }])
  const openAccount = async (key: SigningKey): Promise<string> => {
    const { mint } = await treasurer.open(PARTNER)
    embedded.fund(addressOf(key.publicKey), 10_000_000)
    return openTokenAccount({ chain, key, poll: POLL, signal }, mint)
  }

  return {
    ...test,
    chain,
    oracles,
    treasurer,
    metrics: () => registry.metrics(),
    claim,
    openAccount,
    async owner(radio) {
      const key = createTestKey(`${name} owner of ${radio}`)
      await claim(radio, key)
      await openAccount(key)
      return key
    },
    use: (radio, octets, subscriber = 'sub-1') =>
      writeUsage(store, [{ radio, subscriber, session: `s-${sessions++}`, uplink: 0n, downlink: octets }]),
    async close() {
      while ((await stage.step()) > 0);
      const closed = await closeEpoch({ store, clock: now, origin: ORIGIN, postRewards })
      await log.flush()
      return closed
    },
    balance,
    settlement(over = {}, through = {}) {
      registry = new Registry()
      return createSettlement(
        {
          store: through.store ?? store,
          chain: through.chain ?? chain,
          oracles,
          clock: now,
          log: createLogger({ level: 'silent' }),
          metrics: registry,
          origin: ORIGIN,
          postPayouts,
        },
        { hold: 0n, minimum: 0n, poll: POLL, volatile: true, ...over },
      )
    },
  }
}

const postRewards: Parameters<typeof closeEpoch>[0]['postRewards'] = async (sql, rewards) => {
  await postTransfers(
    sql,
    rewards.map(({ epoch, payer, radio, amount, at }) => ({
      cause: `epoch:${epoch}:${payer}:${radio}`,
      debit: rewardsOf(payer),
      credit: payableOf(radio),
      amount,
      at,
    })),
  )
}

const postPayouts: Parameters<typeof createSettlement>[0]['postPayouts'] = async (sql, rows) => {
  await postTransfers(
    sql,
    rows.map(({ epoch, payer, radio, amount, at }) => ({
      cause: `payout:${epoch}:${payer}:${radio}`,
      debit: payableOf(radio),
      credit: treasuryOf(payer),
      amount: microtokens(amount),
      at,
    })),
  )
}

/** Fails unless the books balance and no radio is owed anything that has been paid. */
export async function payable({ store }: World, radio: string): Promise<bigint> {
  return store.batch(async (sql) => {
    const { debits, credits } = await totals(sql)
    if (debits !== credits) throw new RangeError(`debits ${debits}, credits ${credits}`)
    return accountBalance(sql, payableOf(radioId(radio)))
  })
}
