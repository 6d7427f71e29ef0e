// What the chain holds of an epoch, for whoever checks it: finalized transactions whose memo the oracles signed.
import type { AnchorEvidence, ChainEvidence, PayoutEvidence } from '../epoch/verify.ts'
import type { ChainPort, HistoryEntry } from './chain.ts'
import { parseAnchorMemo, parsePayoutMemo } from './memo.ts'
import { type Reading, readTransaction, type Treasury, tokenAccountOf } from './transactions.ts'

export interface EvidenceDeps {
  readonly chain: ChainPort
  /** Origin of the log. */
  readonly origin: string
  /** Addresses of all oracles, and how many of them must have signed. */
  readonly oracles: { readonly addresses: readonly string[]; readonly threshold: number }
  /** Pays the fees of anchors: they are looked for in its history. */
  readonly feePayer: string
  treasury(payer: string): Promise<Treasury | undefined>
}

const FROM_THE_START = { sinceSlot: 0n, minSlot: 0n }

export function createChainEvidence({ chain, origin, oracles, feePayer, treasury }: EvidenceDeps): ChainEvidence {
  /** Finalized transactions of `address` that succeeded, with a memo that `parse` knows; the oldest first. */
  const find = async <Memo>(address: string, parse: (text: string) => Memo | undefined) => {
    const found: { entry: HistoryEntry; memo: Memo; reading: Reading }[] = []
    for (const entry of (await chain.history(address, FROM_THE_START)).toReversed()) {
      const memo = entry.memo === undefined ? undefined : parse(entry.memo)
      if (memo === undefined || entry.error !== undefined || entry.commitment !== 'finalized') continue
      const transaction = await chain.transaction(entry.signature)
      const reading = transaction && readTransaction(transaction.wire)
      const signers = reading?.memos.find(({ text }) => text === entry.memo)?.signers ?? []
      const signed = oracles.addresses.filter((oracle) => signers.includes(oracle)).length
      // Without the oracles' signatures it is a stranger's text.
      if (reading && signed >= oracles.threshold) found.push({ entry, memo, reading })
    }
    return found
  }

  return {
    async anchors(epoch) {
      const found = await find(feePayer, (text) => {
        const memo = parseAnchorMemo(text)
        return memo?.origin === origin && memo.epoch === epoch ? memo : undefined
      })
      return found.map(({ entry: { signature, slot }, memo }): AnchorEvidence => ({ ...memo, signature, slot }))
    },

    async payouts(epoch, payers) {
      const evidence: PayoutEvidence[] = []
      for (const payer of payers) {
        const account = await treasury(payer)
        if (!account) continue
        const found = await find(account.tokenAccount, (text) => {
          const memo = parsePayoutMemo(text)
          return memo?.origin === origin && memo.epoch === epoch && memo.payer === payer ? memo : undefined
        })
        for (const { entry, memo, reading } of found)
          evidence.push({
            signature: entry.signature,
            slot: entry.slot,
            payer,
            batch: memo.batch,
            digest: memo.digest,
            fault: foreign(reading, account),
            transfers: reading.transfers.map(({ to, amount }) => ({ tokenAccount: to, amount })),
          })
      }
      return evidence
    },

    async tokenAccount(payer, wallet) {
      const account = await treasury(payer)
      return account ? tokenAccountOf(wallet, account.mint) : ''
    },
  }
}

/** What a payout must not do. */
function foreign({ transfers }: Reading, { tokenAccount, mint }: Treasury): string | undefined {
  const other = transfers.find((transfer) => transfer.from !== tokenAccount || transfer.mint !== mint)
  if (!other) return undefined
  return `it moves tokens of ${other.mint} from ${other.from}, not of ${mint} from the treasury ${tokenAccount}`
}
