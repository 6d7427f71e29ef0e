// What the demonstration tells, in plain words.
import type { Outcome } from '../../billing/module.ts'
import { formatOctets, formatTokens } from '../../core/kernel/units.ts'
import type { Prepaid } from './prepaid.ts'
import type { Player } from './traffic.ts'
import type { Wifi } from './wifi.ts'
import { wifiText } from './wifi-story.ts'

export interface Story extends Outcome {
  readonly player: Player
  readonly prepaid: Prepaid
  readonly wifi: Wifi
  /** The radio of the prepaid phone, and what its carrying it brought: octets, microtokens. */
  readonly cell: { readonly radio: string; readonly receipts: bigint; readonly octets: bigint; readonly paid: bigint }
  readonly radio: string
  readonly subscriber: string
  readonly wallet: string
  readonly epoch: bigint
  /** Microtokens that the owner holds on chain. */
  readonly balance: bigint
  readonly rpc: string
  /** From the start of the program to a node that serves. */
  readonly readySeconds: number
  /** The demonstration's configuration file. */
  readonly file: string
}

const PLAYERS: Readonly<Record<Player, string>> = {
  radclient: 'FreeRADIUS radclient sent',
  nas: 'radclient is not installed, so our own access point sent',
}

export function storyText(story: Story): string {
  const command = (words: string): string => `      npx tallycell ${words} --config ${story.file}`
  const { epoch } = story
  return [
    `One session became a paid receipt. The node was ready after ${story.readySeconds.toFixed(1)} s.`,
    '',
    `  Usage       ${PLAYERS[story.player]} a Start, three Interim-Updates and a Stop:`,
    `              ${formatOctets(story.octets)} of ${story.subscriber} on ${story.radio}, each answered after its commit.`,
    `  Charge      ${formatTokens(story.charged)} tokens on the plan of ${story.subscriber}.`,
    command('usage list'),
    `  Receipts    ${story.receipts} receipts in the public log, entries ${story.firstReceipt} to ${story.lastReceipt}, all of them paid.`,
    command(`receipt show ${story.lastReceipt}`),
    `  Checkpoint  a signed tree head over ${story.checkpointSize} entries, root ${story.root}.`,
    `      cat ${story.file.replace(/[^/]*$/, '')}log/checkpoint`,
    `  Payout      transaction ${story.signature}`,
    `              paid ${formatTokens(story.paid)} tokens for epoch ${epoch}, signed by two of three oracles.`,
    command(`epoch show ${epoch}`),
    command(`epoch verify ${epoch} --log-only`),
    `  Balance     ${formatTokens(story.balance)} tokens in the owner's wallet ${story.wallet}.`,
    '',
    ...prepaidText(story),
    command('balance list demo-prepaid'),
    command('cdr list --subscriber demo-prepaid'),
    command('ledger check'),
    '',
    ...wifiText(story.wifi, command, story.file.replace(/[^/]*$/, '')),
    '',
    `The chain lived inside the demonstration and ended with it. With --stay it goes on at ${story.rpc},`,
    `and "epoch verify ${epoch}" compares with it. The next demonstration replaces this one's folder.`,
  ].join('\n')
}

function prepaidText({ prepaid, cell }: Story): string[] {
  const { bundle, grants, usedBefore, topUp, currency, usedAfter, relayed } = prepaid
  const sizes = grants.map((each) => formatOctets(each))
  return [
    'A prepaid phone on LTE ran out and went on.',
    '',
    `  Gateway     asked over Gy, ${relayed ? "by way of Debian's freeDiameterd" : 'directly, as freeDiameterd is not installed'}.`,
    `  Bundle      ${formatOctets(bundle)}, granted in ${grants.length} pieces that shrink towards the end: ${sizes.slice(0, 3).join(', ')} … ${sizes.at(-1)}.`,
    `  Refused     after ${formatOctets(usedBefore)}, to the octet; the last grant was announced as final.`,
    `  Top-up      ${formatTokens(topUp)} ${currency}, and the same session went on for ${formatOctets(usedAfter)} more.`,
    `  Cell        ${cell.radio} carried ${formatOctets(cell.octets)}: ${cell.receipts} receipts, ${formatTokens(cell.paid)} tokens paid.`,
  ]
}
