// The chain port on Solana's JSON-RPC. It asks and answers; what an answer means for a payout is decided elsewhere.
import '../../core/runtime/polyfill.ts'
import {
  address,
  createDefaultRpcTransport,
  createSolanaRpcFromTransport,
  isSolanaError,
  type Signature,
  SOLANA_ERROR__RPC__TRANSPORT_HTTP_ERROR,
  signature,
} from '@solana/kit'
import { fail } from '../../core/kernel/errors.ts'
import { toJson } from '../../core/kernel/units.ts'
import type { ChainAccount, ChainPort, HistoryEntry } from './chain.ts'

export interface RpcChainOptions {
  readonly url: string
  /** The longest that one call may take, milliseconds. */
  readonly timeout: number
}

/** What one getMultipleAccounts and one getSignaturesForAddress may ask for. */
const MAX_ACCOUNTS = 100
const MAX_SIGNATURES = 1000

interface SendAnswer {
  readonly error?: {
    readonly message?: string
    readonly data?: { readonly err?: unknown; readonly logs?: readonly string[] | null }
  }
}

export function createRpcChain({ url, timeout }: RpcChainOptions): ChainPort {
  const transport = createDefaultRpcTransport({ url })
  const rpc = createSolanaRpcFromTransport(transport)
  // Paths and queries of RPC addresses carry access keys.
  const where = new URL(url).origin

  const call = async <Result>(
    method: string,
    request: { send(options: { abortSignal: AbortSignal }): Promise<Result> },
  ): Promise<Result> => {
    try {
      return await request.send({ abortSignal: AbortSignal.timeout(timeout) })
    } catch (error) {
      if (isSolanaError(error) && !isSolanaError(error, SOLANA_ERROR__RPC__TRANSPORT_HTTP_ERROR))
        return fail('CHAIN_REFUSED', { url: where, method, reason: reasonOf(error) }, error)
      return fail('CHAIN_UNREACHABLE', { url: where, reason: reasonOf(error) }, error)
    }
  }

  const accounts = async (addresses: readonly string[]): Promise<(ChainAccount | undefined)[]> => {
    const found: (ChainAccount | undefined)[] = []
    for (let first = 0; first < addresses.length; first += MAX_ACCOUNTS) {
      const wanted = addresses.slice(first, first + MAX_ACCOUNTS).map((each) => address(each))
      const request = rpc.getMultipleAccounts(wanted, { commitment: 'confirmed', encoding: 'base64' })
      const { value } = await call('getMultipleAccounts', request)
      for (const account of value)
        found.push(
          account
            ? { program: account.owner, lamports: account.lamports, data: Buffer.from(account.data[0], 'base64') }
            : undefined,
        )
    }
    return found
  }

  const pages = async (
    of: string,
    sinceSlot: bigint,
    freshness: { minContextSlot?: bigint },
  ): Promise<HistoryEntry[]> => {
    const entries: HistoryEntry[] = []
    let before: Signature | undefined
    for (;;) {
      const request = rpc.getSignaturesForAddress(address(of), {
        commitment: 'finalized',
        limit: MAX_SIGNATURES,
        ...freshness,
        ...(before === undefined ? {} : { before }),
      })
      const page = await call('getSignaturesForAddress', request)
      for (const { signature, slot, memo, err, confirmationStatus } of page) {
        if (slot < sinceSlot) return entries
        entries.push({
          signature,
          slot,
          commitment: confirmationStatus ?? 'processed',
          memo: memo === null ? undefined : memoText(memo),
          error: failure(err),
        })
      }
      before = page.at(-1)?.signature
      if (page.length < MAX_SIGNATURES) return entries
    }
  }

  return {
    genesis: () => call('getGenesisHash', rpc.getGenesisHash()),

    async submit(wire) {
      const params = [
        Buffer.from(wire).toString('base64'),
        // The settlement loop sends again itself, as long as the blockhash lives.
        { encoding: 'base64', preflightCommitment: 'confirmed', maxRetries: 0 },
      ]
      // Not through `rpc`, which cannot read the embedded chain's answer to a repeated transaction: it has no `data`.
      const payload = { jsonrpc: '2.0', id: 1, method: 'sendTransaction', params }
      const answer = await call('sendTransaction', {
        send: ({ abortSignal }) => transport<SendAnswer>({ payload, signal: abortSignal }),
      })
      if (answer.error === undefined) return { accepted: true }
      const { message = 'no reason given', data } = answer.error
      if (data?.err === 'AlreadyProcessed' || /already been processed/i.test(message)) return { accepted: true }
      return { accepted: false, reason: [message, ...(data?.logs ?? []).slice(-2)].join(': ') }
    },

    async status(text) {
      const request = rpc.getSignatureStatuses([signature(text)], { searchTransactionHistory: true })
      const found = (await call('getSignatureStatuses', request)).value[0]
      if (!found) return undefined
      return { slot: found.slot, commitment: found.confirmationStatus ?? 'processed', error: failure(found.err) }
    },

    async blockHeight() {
      const info = await call('getEpochInfo', rpc.getEpochInfo({ commitment: 'finalized' }))
      return { height: info.blockHeight, slot: info.absoluteSlot }
    },

    async latestBlockhash() {
      return (await call('getLatestBlockhash', rpc.getLatestBlockhash({ commitment: 'confirmed' }))).value
    },

    async history(of, { sinceSlot, minSlot }) {
      // A node that has not seen `minSlot` answers with an error, so its list is complete. The embedded chain takes minContextSlot
      // for the oldest slot to list: there only the second list is.
      const found = new Map<string, HistoryEntry>()
      for (const freshness of [{ minContextSlot: minSlot }, {}])
        for (const entry of await pages(of, sinceSlot, freshness)) found.set(entry.signature, entry)
      return [...found.values()].sort((a, b) => Number(b.slot - a.slot))
    },

    async transaction(text) {
      const request = rpc.getTransaction(signature(text), {
        commitment: 'finalized',
        encoding: 'base64',
        maxSupportedTransactionVersion: 0,
      })
      const found = await call('getTransaction', request)
      if (!found) return undefined
      return {
        slot: found.slot,
        error: failure(found.meta?.err ?? null),
        wire: Buffer.from(found.transaction[0], 'base64'),
      }
    },

    accounts,

    rent: (size) => call('getMinimumBalanceForRentExemption', rpc.getMinimumBalanceForRentExemption(size)),
  }
}

const failure = (error: unknown): string | undefined =>
  error === null || error === undefined ? undefined : toJson(error)

/** Nodes write `[length] text`, and put several memos of a transaction behind each other with '; '. */
const memoText = (listed: string): string => listed.replace(/^\[\d+\] /, '')

/** The first sentence of an error and of its causes. */
function reasonOf(error: unknown): string {
  const reasons: string[] = []
  for (let each: unknown = error; each instanceof Error && reasons.length < 3; each = each.cause)
    reasons.push(each.message.split('\n')[0] ?? each.name)
  return reasons.join(': ') || String(error)
}
