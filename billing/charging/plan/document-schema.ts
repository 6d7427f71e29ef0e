// The form of a plan document. Descriptions, units and defaults stand here and nowhere else.
import { type Static, Type } from 'typebox'

const SAFE = Number.MAX_SAFE_INTEGER
const ANY = { default: {} }

/** A whole number; one that JSON cannot carry exactly is written as text. */
const whole = (description: string, options: { default?: number } = {}) =>
  Type.Union(
    [
      Type.Integer({ minimum: 0, maximum: SAFE }),
      Type.String({ pattern: '^[0-9]{1,18}$', examples: ['9007199254740993'] }),
    ],
    { description, ...options },
  )

const volume = (description: string, options: { default?: number } = {}) =>
  Type.Union(
    [
      Type.Integer({ minimum: 0, maximum: SAFE }),
      Type.String({ pattern: '^[0-9]{1,18}( ?(kB|MB|GB|TB))?$', examples: ['10 GB'] }),
    ],
    { description, ...options },
  )

const price = (description: string) =>
  Type.Union(
    [
      Type.Integer({ minimum: 0, maximum: SAFE }),
      Type.String({ pattern: '^[0-9]{1,18}$', examples: ['2000'] }),
      Type.Literal('bundle'),
    ],
    { description },
  )

const name = (description: string) =>
  Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,63}$', examples: ['night'], description })
const period = (description: string) => Type.Enum(['day', 'week', 'month'], { description })
const clock = (pattern: string, description: string) =>
  Type.Optional(Type.String({ pattern, examples: ['22:00'], description }))

const services = {
  access: Type.Optional(
    Type.Array(Type.Enum(['wifi', 'lte', 'nr']), { minItems: 1, description: 'Access technologies; absent: any.' }),
  ),
  radioClasses: Type.Optional(
    Type.Array(name('A class of radios.'), { minItems: 1, description: 'Classes that radios are registered in.' }),
  ),
  ratingGroups: Type.Optional(
    Type.Array(Type.Integer({ minimum: 0, maximum: 4_294_967_295 }), {
      minItems: 1,
      description: 'Rating-Groups (RFC 8506 §8.29).',
    }),
  ),
  zones: Type.Optional(
    Type.Array(Type.String({ pattern: '^(home|roaming|[0-9]{3}|[0-9]{5,6})$', examples: ['roaming'] }), {
      minItems: 1,
      description: "'home', 'roaming', an MCC of 3 digits, or the MCC and MNC of a visited network.",
    }),
  ),
}

const rule = Type.Object({
  name: name('Unique in the plan; statements show it.'),
  when: Type.Object(
    {
      ...services,
      days: Type.Optional(
        Type.Array(Type.Enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']), {
          minItems: 1,
          description: "Days of the week, in the tenant's time zone.",
        }),
      ),
      from: clock('^([01][0-9]|2[0-3]):[0-5][0-9]$', "Time of day, inclusive, in the tenant's time zone."),
      to: clock('^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$', 'Time of day, exclusive; before `from`: on the next day.'),
    },
    ANY,
  ),
  deny: Type.Optional(Type.Literal(true, { description: 'The service is refused.' })),
  free: Type.Optional(Type.Literal(true, { description: 'Zero-rated: measured, never charged.' })),
  price: Type.Optional(
    Type.Object({
      octets: Type.Optional(price('Micro-units per 1,000,000 octets.')),
      seconds: Type.Optional(price('Micro-units per minute.')),
      messages: Type.Optional(price('Micro-units per message.')),
    }),
  ),
  bundles: Type.Boolean({ default: true, description: 'Whether bundles may pay, before money does.' }),
})

const bundle = Type.Object({
  id: name('Unique in the plan.'),
  unit: Type.Enum(['octet', 'second', 'message'], { description: 'What the bundle holds.' }),
  amount: volume('How much it holds: octets, seconds or messages.'),
  validity: Type.Object(
    {
      days: Type.Optional(Type.Integer({ minimum: 1, maximum: 3660, description: 'Days of the calendar.' })),
      period: Type.Optional(period('To the end of the current period.')),
    },
    ANY,
  ),
  priority: Type.Integer({
    minimum: 0,
    maximum: 1000,
    default: 100,
    description: 'Smaller pays first, among those that expire at the same instant.',
  }),
  price: whole('Micro-units.', { default: 0 }),
  rollOver: Type.Optional(
    Type.Object({
      percent: Type.Integer({ minimum: 1, maximum: 100, default: 100, description: 'Of what is left, per cent.' }),
      limit: Type.Optional(volume('The most that rolls over, in units of the bundle.')),
      times: Type.Integer({ minimum: 1, maximum: 120, default: 1, description: 'How often the same units roll over.' }),
    }),
  ),
  services: Type.Object(services, ANY),
  shared: Type.Boolean({ default: false, description: 'One balance for all members of a family or pool.' }),
  recurring: Type.Boolean({ default: false, description: 'Given anew at the start of each period.' }),
})

const cap = Type.Object(
  {
    octets: Type.Optional(volume('The most octets, zero-rated ones not counted.')),
    money: Type.Optional(whole('The most money, micro-units.')),
  },
  ANY,
)

const bits = (way: string) => Type.Integer({ minimum: 1, maximum: SAFE, description: `${way}, bits per second.` })

const sizes = (what: string, of: { octets: number; seconds: number; messages: number }) =>
  Type.Object(
    {
      octets: volume(`${what}, octets.`, { default: of.octets }),
      seconds: whole(`${what}, seconds.`, { default: of.seconds }),
      messages: whole(`${what}, messages.`, { default: of.messages }),
    },
    ANY,
  )

export const planSchema = Type.Object({
  tenant: name('The tenant that owns the plan.'),
  id: name('The plan.'),
  version: Type.Integer({ minimum: 1, maximum: SAFE, description: 'A version never changes once it is in use.' }),
  name: Type.String({ minLength: 1, maxLength: 100, description: 'For people.' }),
  kind: Type.Enum(['prepaid', 'postpaid', 'hybrid'], { description: 'How it is paid.' }),
  tariffs: Type.Array(rule, { minItems: 1, maxItems: 500, description: 'The first that matches counts.' }),
  bundles: Type.Array(bundle, {
    maxItems: 500,
    default: [],
    description: 'What comes with the plan or can be bought.',
  }),
  recurring: Type.Optional(
    Type.Object({ period: period('How often.'), price: whole('Micro-units at the start of each period.') }),
  ),
  creditLimit: Type.Optional(whole('Micro-units; absent: a postpaid plan without limit.')),
  caps: Type.Object({ day: cap, month: cap }, ANY),
  thresholds: Type.Array(Type.Integer({ minimum: 1, maximum: 100 }), {
    maxItems: 10,
    default: [80, 100],
    description: 'Per cent of a balance or cap at whose use an event is sent.',
  }),
  fairUse: Type.Optional(
    Type.Object({
      octets: volume('From so many octets in the period on, the throttle applies.'),
      period: period('In which octets are counted.'),
      throttle: Type.Object({ uplink: bits('Uplink'), downlink: bits('Downlink') }),
    }),
  ),
  sessions: Type.Integer({
    minimum: 1,
    maximum: 10_000,
    default: 16,
    description: 'How many sessions of a subscriber may be open at the same time.',
  }),
  grant: Type.Object(
    {
      largest: sizes('The most that one grant holds', { octets: 100_000_000, seconds: 3600, messages: 10 }),
      least: sizes('A grant is not smaller while so much is left', { octets: 500_000, seconds: 30, messages: 1 }),
      validity: Type.Integer({
        minimum: 10,
        maximum: 86_400,
        default: 600,
        description: 'Ask again after it at the latest, seconds.',
      }),
    },
    ANY,
  ),
  final: Type.Object(
    {
      action: Type.Enum(['terminate', 'redirect', 'restrict'], {
        default: 'terminate',
        description: 'When the last grant is used up (RFC 8506 §8.35).',
      }),
      address: Type.Optional(Type.String({ minLength: 1, maxLength: 500, description: 'Where to redirect: a URL.' })),
      filter: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 500,
          description: 'What stays allowed: an IPFilterRule (RFC 6733 §4.3.1).',
        }),
      ),
    },
    ANY,
  ),
})

export type PlanDocument = Static<typeof planSchema>

const MULTIPLES: Readonly<Record<string, bigint>> = { '': 1n, k: 10n ** 3n, M: 10n ** 6n, G: 10n ** 9n, T: 10n ** 12n }

/** An amount that has passed the schema; `10 GB` is 10,000,000,000. */
export function amountOf(written: number | string): bigint {
  const [, digits = '', multiple = ''] = /^([0-9]+) ?(?:([kMGT])B)?$/.exec(String(written)) ?? []
  return BigInt(digits) * (MULTIPLES[multiple] ?? 1n)
}
