// `tallycell epoch`: close what was earned into a payout table, and see what became of it.
import type { Command, CommandContext } from '../../core/cli/command.ts'
import { type Column, table } from '../../core/cli/table.ts'
import { fail } from '../../core/kernel/errors.ts'
import { decimal, formatOctets, formatTokens } from '../../core/kernel/units.ts'
import type { Store } from '../../core/store/store.ts'
import { type ClosedEpoch, type EpochSummary, listEpochs, listPayouts, type PayoutDetail, readEpoch } from './store.ts'

export interface EpochCommandDeps {
  /** Brings rating and receipts up to date, closes the open epoch and publishes the log. */
  close(context: CommandContext): Promise<ClosedEpoch>
}

/** Epochs that `epoch show` lists. */
const LISTED = 50

export function epochCommands({ close }: EpochCommandDeps): Command[] {
  return [
    {
      path: ['epoch', 'close'],
      summary: 'close the open epoch: what was counted becomes a payout table in the log',
      examples: ['tallycell epoch close', 'tallycell epoch close --json'],
      async run(_input, context) {
        const closed = await close(context)
        const { epoch, first, last, closedAt, table, unjudged } = closed
        return {
          text: closedText(closed),
          json: {
            epoch,
            firstEntry: first,
            lastEntry: last,
            closedAt,
            total: table.total,
            tableHash: hex(table.hash),
            rows: table.rows,
            unjudged,
          },
        }
      },
    },
    {
      path: ['epoch', 'show'],
      summary: 'show the newest epochs, or one with its payouts',
      positionals: [{ name: 'epoch', summary: 'number of the epoch; left out, the newest are listed' }],
      examples: ['tallycell epoch show', 'tallycell epoch show 3'],
      async run({ args }, context) {
        const store = await context.store()
        if (args.epoch === undefined) return list(store)
        const epoch = decimal(args.epoch, 'the number of an epoch')
        const found = (await readEpoch(store, epoch)) ?? fail('EPOCH_UNKNOWN', { epoch })
        const payouts = await listPayouts(store, epoch)
        return { text: epochText(found, payouts), json: { ...summaryJson(found), payouts } }
      },
    },
  ]
}

function closedText({ epoch, table: { rows, total }, unjudged }: ClosedEpoch): string {
  const lines = [
    rows.length === 0
      ? `Epoch ${epoch} is closed. Nothing was counted in it, so it pays nothing.`
      : `Epoch ${epoch} is closed: ${formatTokens(total)} tokens for ${counted(rows.length, 'radio')}.`,
  ]
  if (unjudged > 0n) lines.push(`${counted(unjudged, 'usage event')} came too late for it: the next epoch pays them.`)
  lines.push(`See it with: tallycell epoch show ${epoch}`)
  return lines.join('\n')
}

const EPOCH_COLUMNS: readonly Column<'epoch' | 'state' | 'opened' | 'closed' | 'tokens'>[] = [
  { name: 'epoch', align: 'right' },
  { name: 'state' },
  { name: 'opened' },
  { name: 'closed' },
  { name: 'tokens', align: 'right' },
]

async function list(store: Store): Promise<{ text: string; json: unknown }> {
  const epochs = await listEpochs(store, LISTED)
  if (epochs.length === 0) return { text: 'No epoch yet: the first opens with the first receipt.', json: [] }
  const rows = epochs.map(({ epoch, state, openedAt, closedAt, total }) => ({
    epoch: epoch.toString(),
    state,
    opened: time(openedAt),
    closed: closedAt === null ? '-' : time(closedAt),
    tokens: closedAt === null ? '-' : formatTokens(total),
  }))
  return { text: table(rows, EPOCH_COLUMNS), json: epochs.map(summaryJson) }
}

/** What the states mean, for people. */
const STATES: Readonly<Record<string, string>> = {
  open: 'open: receipts still fall into it',
  closed: 'closed: its payout table stands in the log, and is being anchored on the chain',
  anchored: 'anchored: its payout table is fixed on the chain, and payouts are made',
  settled: 'settled: everything is paid',
}

const PAYOUT_COLUMNS: readonly Column<'radio' | 'payer' | 'octets' | 'tokens' | 'state' | 'wallet' | 'transaction'>[] =
  [
    { name: 'radio' },
    { name: 'payer' },
    { name: 'octets', align: 'right' },
    { name: 'tokens', align: 'right' },
    { name: 'state' },
    { name: 'wallet' },
    { name: 'transaction' },
  ]

function epochText(epoch: EpochSummary, payouts: readonly PayoutDetail[]): string {
  const lines = [
    `Epoch ${epoch.epoch} is ${STATES[epoch.state] ?? epoch.state}.`,
    `Entries:  ${epoch.first} to ${epoch.last ?? 'the newest'} of the log`,
    `Opened:   ${time(epoch.openedAt)}`,
  ]
  if (epoch.closedAt !== null) lines.push(`Closed:   ${time(epoch.closedAt)}`)
  if (epoch.anchor !== null) lines.push(`Anchor:   transaction ${epoch.anchor}`)
  if (epoch.closedAt === null) return lines.join('\n')
  const octets = payouts.reduce((sum, row) => sum + row.counted, 0n)
  const paid = payouts.reduce((sum, row) => (row.state === 'paid' ? sum + row.amount : sum), 0n)
  lines.push(
    `Total:    ${formatTokens(epoch.total)} tokens for ${formatOctets(octets)}, of which ${formatTokens(paid)} paid`,
  )
  if (payouts.length === 0) return [...lines, '', 'Nothing was counted in it.'].join('\n')
  const rows = payouts.map((row) => ({
    radio: row.radio,
    payer: row.payer,
    octets: formatOctets(row.counted),
    tokens: formatTokens(row.amount),
    state: row.state,
    wallet: row.wallet,
    transaction: row.signature ?? '-',
  }))
  lines.push('', table(rows, PAYOUT_COLUMNS))
  if (payouts.some(({ state }) => state === 'waiting'))
    lines.push(
      '',
      "Waiting payouts are paid once the owner's wallet has an account for the token, the payer's treasury holds enough,",
      'and they come to the minimum.',
    )
  return lines.join('\n')
}

const summaryJson = ({ tableHash, ...epoch }: EpochSummary): Record<string, unknown> => ({
  ...epoch,
  tableHash: tableHash && hex(tableHash),
})

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex')

const time = (at: bigint): string => new Date(Number(at)).toISOString().replace(/\.\d+Z$/, 'Z')

const counted = (count: bigint | number, what: string): string => `${count} ${what}${BigInt(count) === 1n ? '' : 's'}`
