// Memos, batches and transactions, without a chain.
import { createHash, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { payoutDigest } from '../../billing/epoch/payout-digest.ts'
import { cutBatches, type DueRow, gatherOwners, MAX_PAYEES } from '../../billing/settlement/batches.ts'
import { anchorMemo, parseAnchorMemo, parsePayoutMemo, payoutMemo } from '../../billing/settlement/memo.ts'
import {
  addressOf,
  buildPayout,
  MAX_WIRE,
  readTransaction,
  sign,
  type Treasury,
} from '../../billing/settlement/transactions.ts'
import { payerId, radioId } from '../../core/kernel/ids.ts'
import { createTestKey } from './log-fixture.ts'

const hash = (text: string): Uint8Array => createHash('sha256').update(text).digest()
const at = (text: string): string => addressOf(hash(text))
const KEYS = ['oracle-1', 'oracle-2'].map(createTestKey)
const TREASURY: Treasury = {
  mint: at('mint'),
  multisig: at('multisig'),
  tokenAccount: at('treasury'),
  oracles: KEYS.map(({ publicKey }) => addressOf(publicKey)),
}
const BLOCKHASH = { blockhash: at('blockhash'), lastValidBlockHeight: 150n }

/** 32 octets of ones. */
const ONES = '//////////////////////////////////////////8='

t.test('memos are what the design says', async (t) => {
  const origin = 'log.example/receipts'
  const root = new Uint8Array(32)
  const anchor = { origin, epoch: 7n, size: 12n, root, tableHash: root.fill(255), total: 99n }
  t.equal(anchorMemo(anchor), `tc1 a ${origin} 7 12 ${ONES} ${ONES} 99`)
  t.match(parseAnchorMemo(anchorMemo(anchor)), { ...anchor, root: Buffer.from(root), tableHash: Buffer.from(root) })
  const payout = { origin, epoch: 7n, payer: 'mvno-1', batch: 2n, digest: root }
  t.equal(payoutMemo(payout), `tc1 p ${origin} 7 mvno-1 2 ${ONES}`)
  t.match(parsePayoutMemo(payoutMemo(payout)), { ...payout, digest: Buffer.from(root) })
})

t.test('a text that we would not have written is no memo', async (t) => {
  const good = payoutMemo({ origin: 'o', epoch: 7n, payer: 'p', batch: 1n, digest: hash('x') })
  for (const bad of [
    '',
    'tc1',
    'tc1 p',
    `${good} `,
    ` ${good}`,
    good.replace(' 7 ', ' 07 '),
    good.replace(' 7 ', ' -7 '),
  ])
    t.equal(parsePayoutMemo(bad), undefined, bad)
  for (let length = 0; length < good.length; length++)
    t.equal(parsePayoutMemo(good.slice(0, length)), undefined, `cut at ${length}`)
  t.equal(parseAnchorMemo(good), undefined)
  const words = fc.array(fc.constantFrom('tc1', 'p', 'a', 'o', '7', '', ONES, '-1', '9'.repeat(20)), { maxLength: 9 })
  fc.assert(
    fc.property(words, (parts) => {
      const text = parts.join(' ')
      const memo = parsePayoutMemo(text)
      return memo === undefined || payoutMemo(memo) === text
    }),
  )
})

const row = (wallet: string, radio: string, amount: bigint): DueRow => ({
  epoch: 1n,
  payer: payerId('partner'),
  radio: radioId(radio),
  wallet,
  amount,
})

t.test('an owner of several radios is one payee; who has no account is none', async (t) => {
  const [a, b, c] = [at('a'), at('b'), at('c')]
  const accounts = new Map([
    [a, at('a account')],
    [b, at('b account')],
  ])
  const owners = gatherOwners([row(b, 'r1', 5n), row(a, 'r2', 7n), row(b, 'r3', 1n), row(c, 'r4', 9n)], accounts)
  t.same(
    owners.map(({ wallet, amount, rows }) => [wallet, amount, rows.length]).toSorted(),
    [
      [a, 7n, 1],
      [b, 6n, 2],
    ].toSorted(),
  )
  t.equal(Buffer.compare(payoutDigest(owners), payoutDigest(owners.toReversed())), 0, 'whatever the order')
})

t.test('batches hold every owner once and fit a transaction', async () => {
  const names = fc.record({
    origin: fc.stringMatching(/^[a-z./]{1,100}$/),
    payer: fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,63}$/).map(payerId),
    epoch: fc.bigInt(1n, 1n << 60n),
    first: fc.bigInt(1n, 1n << 60n),
  })
  fc.assert(
    fc.property(
      names,
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 2, max: 6 }),
      (batchNames, owners, signers) => {
        const oracles = Array.from({ length: signers }, (_, oracle) => at(`oracle ${oracle}`))
        const treasury = { ...TREASURY, oracles }
        const wallets = Array.from({ length: owners }, (_, owner) => at(`owner ${owner}`))
        const accounts = new Map(wallets.map((wallet) => [wallet, at(`account of ${wallet}`)]))
        const due = gatherOwners(
          wallets.map((wallet, radio) => row(wallet, `r${radio}`, BigInt(radio + 1))),
          accounts,
        )
        const batches = cutBatches(due, treasury, batchNames)
        const fit = batches.every(
          ({ memo, owners: part }) =>
            part.length > 0 &&
            part.length <= MAX_PAYEES &&
            buildPayout(treasury, memo, part, BLOCKHASH).wire.length <= MAX_WIRE,
        )
        const paid = batches.flatMap(({ owners: part }) => part.map(({ wallet }) => wallet))
        const numbers = batches.map(({ memo }) => parsePayoutMemo(memo)?.batch)
        const counted = numbers.every((number, place) => number === batchNames.first + BigInt(place))
        return fit && counted && paid.length === owners && new Set(paid).size === owners
      },
    ),
    { numRuns: 60 },
  )
})

t.test('twelve payees fit beside a memo, signed by two', async (t) => {
  const memo = payoutMemo({ origin: 'log.example/receipts', epoch: 365n, payer: 'mvno-1', batch: 1n, digest: hash('') })
  const payees = Array.from({ length: 12 }, (_, n) => ({ tokenAccount: at(`payee ${n}`), amount: 1n << 62n }))
  const unsigned = buildPayout(TREASURY, memo, payees, BLOCKHASH)
  t.ok(unsigned.wire.length <= MAX_WIRE, `${unsigned.wire.length} octets`)
  const { wire, signature } = sign(unsigned, KEYS)
  t.equal(wire.length, unsigned.wire.length)
  t.match(signature, /^[1-9A-HJ-NP-Za-km-z]{64,88}$/)
  t.same(sign(unsigned, KEYS.toReversed()), { wire, signature }, 'signing is repeatable, in any order')
  t.same(readTransaction(wire), {
    memos: [{ text: memo, signers: TREASURY.oracles }],
    transfers: payees.map(({ tokenAccount: to, amount }) => ({
      from: TREASURY.tokenAccount,
      to,
      mint: TREASURY.mint,
      amount,
    })),
  })
})

t.test('a signature too few, or of a stranger, is a mistake', async (t) => {
  const unsigned = buildPayout(TREASURY, 'memo', [{ tokenAccount: at('payee'), amount: 1n }], BLOCKHASH)
  t.throws(() => sign(unsigned, KEYS.slice(1)), RangeError)
  t.throws(() => sign(unsigned, KEYS.slice(0, 1)), RangeError)
  t.throws(() => sign(unsigned, [...KEYS, createTestKey('stranger')]), RangeError)
})

t.test('hostile transactions are read without an error', async (t) => {
  const { wire } = sign(buildPayout(TREASURY, 'memo', [{ tokenAccount: at('payee'), amount: 1n }], BLOCKHASH), KEYS)
  for (let length = 0; length < wire.length; length++)
    t.equal(readTransaction(wire.subarray(0, length)), undefined, `cut at ${length}`)
  fc.assert(
    fc.property(fc.nat(wire.length - 1), fc.integer({ min: 1, max: 255 }), (place, flip) => {
      const broken = Uint8Array.from(wire)
      broken[place] = (broken[place] ?? 0) ^ flip
      readTransaction(broken)
      return true
    }),
  )
  for (let n = 0; n < 200; n++) readTransaction(randomBytes(n * 3))
})
