// Where payouts go on chain, and when.
import { Type } from 'typebox'
import type { Section } from '../../core/config/section.ts'

export const settlementSection = {
  key: 'settlement',
  schema: Type.Object({
    rpc: Type.String({
      default: 'embedded',
      pattern: '^(embedded|https?://.+)$',
      description:
        "Solana JSON-RPC address, or 'embedded' for a development chain that lives inside the node and forgets everything when it stops.",
    }),
    mint: Type.Optional(
      Type.String({
        minLength: 32,
        maxLength: 44,
        description:
          'Mint address of the SPL token to pay with, 6 decimals. Left out, the embedded chain makes a test token; any other chain needs it.',
      }),
    ),
    minimum: Type.Integer({
      default: 0,
      minimum: 0,
      description: 'What a payer owes an owner waits until it comes to this much. Microtokens.',
    }),
    poll: Type.Integer({
      default: 500,
      minimum: 10,
      description: 'Time between two looks at the chain. Milliseconds.',
    }),
    timeout: Type.Integer({
      default: 10_000,
      minimum: 100,
      description: 'Longest wait for one answer of the chain. Milliseconds.',
    }),
    embedded: Type.Object({
      port: Type.Integer({
        default: 8899,
        minimum: 0,
        maximum: 65_535,
        description: 'TCP port on 127.0.0.1 by which other programs reach the embedded chain; 0 for any free one.',
      }),
      slotMillis: Type.Integer({
        default: 50,
        minimum: 5,
        maximum: 1000,
        description:
          'Time between blocks of the embedded chain; payouts are final after about 32 blocks. Milliseconds.',
      }),
    }),
  }),
} satisfies Section
