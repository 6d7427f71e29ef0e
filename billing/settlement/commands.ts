// `tallycell epoch verify`: check an epoch, from its receipts to the transfers on chain, without trusting whoever closed it.
import type { Command } from '../../core/cli/command.ts'
import type { Config } from '../../core/config/section.ts'
import { decimal, formatTokens } from '../../core/kernel/units.ts'
import { openLogSource } from '../epoch/log-source.ts'
import { type Verification, verifyEpoch } from '../epoch/verify.ts'
import { directoryTiles } from '../log/tiles/sources.ts'
import { connectChain } from './connect.ts'
import { createChainEvidence } from './evidence.ts'
import { loadOracles } from './oracles.ts'
import { settlementSection } from './settings.ts'
import { readTreasury } from './store.ts'

export interface SettlementCommandDeps {
  /** Folder of the log's tiles. */
  logDirectory(config: Config): string
}

export function settlementCommands({ logDirectory }: SettlementCommandDeps): Command[] {
  return [
    {
      path: ['epoch', 'verify'],
      summary: 'recompute an epoch from the log, and compare it with the anchor and the transfers on chain',
      positionals: [{ name: 'epoch', summary: 'number of a closed epoch', required: true }],
      options: {
        rpc: { value: 'URL', summary: 'JSON-RPC of the chain; settlement.rpc unless given' },
        key: { value: 'VKEY', summary: "the log's verifier key; the one beside its tiles unless given" },
        'log-only': { summary: 'do not ask the chain' },
      },
      examples: ['tallycell epoch verify 3', 'tallycell epoch verify 3 --log-only'],
      async run({ args, options }, context) {
        const epoch = decimal(args.epoch ?? '', 'the number of an epoch')
        const config = await context.config()
        const log = await openLogSource(directoryTiles(logDirectory(config)), options.key)
        const settings = config.get(settlementSection)
        const store = await context.store()
        const oracles = await loadOracles(await context.keys())
        const { chain } = connectChain({ ...settings, rpc: options.rpc ?? settings.rpc })
        const { origin } = log
        const treasury = (payer: string) => readTreasury(store, payer)
        const evidence =
          options['log-only'] === undefined
            ? createChainEvidence({ chain, origin, oracles, feePayer: oracles.feePayer, treasury })
            : undefined
        const progress = context.progress('entries')
        const found = await verifyEpoch(epoch, {
          log,
          chain: evidence,
          progress: (done, total) => progress.update(Number(done), Number(total)),
        }).finally(() => progress.end())
        const { difference, anchor, ...rest } = found
        const json = { ...rest, anchor: anchor?.signature, verified: difference === undefined, difference }
        return { text: verificationText(found), json, exit: difference === undefined ? 0 : 1 }
      },
    },
  ]
}

function verificationText({
  epoch,
  difference,
  entries,
  rows,
  total,
  anchor,
  paid,
  transactions,
}: Verification): string {
  if (difference !== undefined) return `Epoch ${epoch} is NOT as it must be: ${difference}.`
  const lines = [
    `Epoch ${epoch} is as it must be.`,
    `  ${entries} entries of the log come to the root that its checkpoint signs, and every verdict follows the rules.`,
    `  They pay ${formatTokens(total)} tokens in ${rows.length} rows, as the close entry says.`,
  ]
  if (!anchor || paid === undefined) return [...lines, '  The chain was not asked.'].join('\n')
  lines.push(
    `  Transaction ${anchor.signature} anchors that table and the log up to ${anchor.size} entries.`,
    `  ${transactions.length} transactions paid ${formatTokens(paid)} tokens, nothing twice and nothing to anybody else.`,
  )
  if (paid < total) lines.push(`  ${formatTokens(total - paid)} tokens are still to be paid.`)
  return lines.join('\n')
}
