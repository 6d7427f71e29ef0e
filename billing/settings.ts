// What usage costs and what it earns. The reward side becomes a signed policy entry of the log.
import { Type } from 'typebox'
import type { Section, Settings } from '../core/config/section.ts'
import type { Access } from '../core/events/usage-event.ts'
import { type Microtokens, millis, octets } from '../core/kernel/units.ts'
import type { PolicyTerms } from './policy/policy.ts'

const perAccess = (values: Readonly<Record<Access, number>>, what: string) =>
  Type.Object({
    wifi: Type.Integer({ minimum: 0, default: values.wifi, description: `${what} Wi-Fi.` }),
    lte: Type.Integer({ minimum: 0, default: values.lte, description: `${what} LTE.` }),
    nr: Type.Integer({ minimum: 0, default: values.nr, description: `${what} 5G.` }),
  })

export const billingSection = {
  key: 'billing',
  schema: Type.Object({
    origin: Type.String({
      pattern: '^[^\\s+]{1,200}$',
      default: 'localhost/tallycell',
      description: 'Name of the receipt log for life: a host name of yours and a path. It is part of every signature.',
    }),
    node: Type.String({
      pattern: '^[a-z0-9][a-z0-9._-]{0,63}$',
      default: 'n1',
      description: "Names this node's accounts of what was earned: another for each node of one database.",
    }),
    price: Type.Integer({
      minimum: 0,
      default: 2000,
      description: 'Flat tariff: what a subscriber is charged, microtokens per 1,000,000 octets.',
    }),
    reward: perAccess({ wifi: 1000, lte: 1000, nr: 1000 }, 'What a radio earns, microtokens per 1,000,000 octets, on'),
    peak: perAccess(
      { wifi: 125_000_000, lte: 37_500_000, nr: 250_000_000 },
      'The most octets a second that one session can carry on',
    ),
    toleranceThousandths: Type.Integer({
      minimum: 0,
      maximum: 1000,
      default: 100,
      description: 'By how much a measure may exceed its limit, thousandths.',
    }),
    pastHours: Type.Integer({
      minimum: 1,
      default: 48,
      description: 'Usage reported later than this is not paid, hours.',
    }),
    futureSeconds: Type.Integer({
      minimum: 0,
      default: 300,
      description: 'By how much the clock of an access point may be ahead of ours, seconds.',
    }),
    epochHours: Type.Integer({ minimum: 1, default: 24, description: 'How often what was earned is settled, hours.' }),
    holdHours: Type.Integer({
      minimum: 0,
      default: 24,
      description: 'From the close of an epoch to its payout, so that a ban or an appeal can still act, hours.',
    }),
    cdr: Type.Object({
      directory: Type.String({
        minLength: 1,
        default: 'cdr',
        description: 'Where `cdr export` writes files unless told otherwise. A relative path starts at dataDir.',
      }),
      recordsPerFile: Type.Integer({
        minimum: 1,
        maximum: 100_000,
        default: 10_000,
        description: 'Most charging data records in one file.',
      }),
      partialOctets: Type.Integer({
        minimum: 1_000_000,
        maximum: Number.MAX_SAFE_INTEGER,
        default: 10_000_000_000,
        description: 'A session that has carried so many octets since its last record gets one, and goes on.',
      }),
      partialMinutes: Type.Integer({
        minimum: 1,
        maximum: 44_640,
        default: 1440,
        description: 'As partialOctets, by time, minutes. A new day of the tenant begins a new record in any case.',
      }),
      node: Type.String({
        pattern: '^[A-Za-z0-9][A-Za-z0-9.-]{0,19}$',
        default: 'tallycell',
        description: 'Name of this charging system in records and in the names of their files (NodeID of TS 32.297).',
      }),
      address: Type.String({
        pattern: '^[0-9A-Fa-f.:]{2,45}$',
        default: '127.0.0.1',
        description: 'IP address in records of gateways that told none, and in the head of their files.',
      }),
      functionId: Type.Optional(
        Type.String({
          pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
          examples: ['0b0f9a51-7a3c-4a3d-8d7a-5f2d3c1e9a10'],
          description: 'UUID of the charging function in 5G records. Left out, it follows from the name.',
        }),
      ),
      utcOffset: Type.Integer({
        minimum: -1439,
        maximum: 1439,
        default: 0,
        description: 'Local time less UTC in records and names of files, minutes.',
      }),
    }),
  }),
} satisfies Section

export type BillingSettings = Settings<typeof billingSection>

/** An event shorter than this is judged as if it had lasted so long, milliseconds: counters are read a little late. */
const SHORTEST = 1000
const HOUR = 3_600_000

/** The terms that the log's policy entry states. `oracles`: their Ed25519 keys, of which `threshold` sign. */
export function policyTerms(settings: BillingSettings, oracles: readonly Uint8Array[], threshold: bigint): PolicyTerms {
  const accesses = Object.keys(settings.reward) as Access[]
  return {
    rates: accesses.map((access) => ({ payer: '*', access, rate: BigInt(settings.reward[access]) as Microtokens })),
    peaks: accesses.map((access) => ({ access, peak: octets(BigInt(settings.peak[access])) })),
    tolerance: BigInt(settings.toleranceThousandths),
    shortest: millis(SHORTEST),
    past: millis(settings.pastHours * HOUR),
    future: millis(settings.futureSeconds * 1000),
    epochLength: millis(settings.epochHours * HOUR),
    hold: millis(settings.holdHours * HOUR),
    oracles,
    threshold,
  }
}
