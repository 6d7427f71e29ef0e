// What tests of the log share: keys from names, a store and a log in a folder of their own, journals with rows in them.
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { join } from 'node:path'
import pino from 'pino'
import { Registry } from 'prom-client'
import { createLog, type ReceiptLog } from '../../billing/log/log.ts'
import { createReferenceSecrets, type ReferenceSecrets } from '../../billing/log/receipts/references.ts'
import type { PolicyTerms } from '../../billing/policy/policy.ts'
import type { SubscriberDirectory } from '../../core/events/ports.ts'
import { appendUsage } from '../../core/events/store.ts'
import { imsi, payerId, radioId, subscriberId } from '../../core/kernel/ids.ts'
import { type Millis, microtokens, millis, octets } from '../../core/kernel/units.ts'
import type { SigningKey } from '../../core/runtime/keys.ts'
import type { Target } from '../../core/store/sql.ts'
import { openStore, type Store } from '../../core/store/store.ts'

/** PKCS #8 in front of an Ed25519 seed (RFC 8410 §7). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** A real Ed25519 key, the same for the same name. */
export function createTestKey(name: string): SigningKey {
  const seed = createHash('sha256').update(name).digest()
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32)
  return { name, publicKey, sign: (message) => sign(null, message, key) }
}

export const ORIGIN = 'log.example/receipts'
export const START = millis(1_763_640_000_000)

export interface TestLog {
  readonly store: Store
  readonly log: ReceiptLog
  readonly directory: string
  readonly signer: SigningKey
  readonly clock: { now: Millis }
}

/** A log over a database file and a folder below `folder`; call again on the same folder to come back after a crash. */
export async function openTestLog(folder: string, origin = ORIGIN): Promise<TestLog> {
  const store = await openStore({ path: join(folder, 'tallycell.db') })
  const directory = join(folder, 'log')
  const signer = createTestKey('log')
  const clock = { now: START }
  const log = createLog(
    { store, signer, directory, clock: () => clock.now, metrics: new Registry(), log: pino({ level: 'silent' }) },
    { origin, interval: 10 },
  )
  return { store, log, directory, signer, clock }
}

export const TERMS: PolicyTerms = {
  rates: [{ payer: payerId('partner'), access: 'wifi', rate: microtokens(500n) }],
  peaks: [{ access: 'wifi', peak: octets(100_000_000n) }],
  tolerance: 100n,
  shortest: millis(10_000n),
  past: millis(48n * 3_600_000n),
  future: millis(300_000n),
  epochLength: millis(86_400_000n),
  hold: millis(86_400_000n),
  oracles: [],
  threshold: 0n,
}

export const SECRETS: ReferenceSecrets = createReferenceSecrets(createHash('sha256').update('secrets').digest())

export const WALLET = '4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM'

/** Subscribers `sub-0` to `sub-9` of the payer `partner`, and `guest` of the payer `stranger`. */
export const SUBSCRIBERS: SubscriberDirectory = {
  byImsi: () => undefined,
  byId: (subscriber) =>
    /^(sub-[0-9]|guest)$/.test(subscriber)
      ? { subscriber, payer: payerId(subscriber === 'guest' ? 'stranger' : 'partner'), plan: 'flat' }
      : undefined,
  imsiOf: (subscriber) => imsi(`00101000000000${subscriber === subscriberId('guest') ? '9' : subscriber.slice(-1)}`),
  refresh: async () => undefined,
}

export interface TestUsage {
  readonly origin?: string
  readonly session?: string
  readonly sequence?: bigint
  readonly subscriber?: string | null
  readonly radio?: string | null
  readonly start?: bigint
  readonly end?: bigint
  readonly uplink?: bigint
  readonly downlink?: bigint
  readonly received?: bigint
  readonly flags?: bigint
}

/** Writes usage events as the meters would. */
export async function writeUsage(store: Store, events: readonly TestUsage[]): Promise<void> {
  const rows = events.map(
    ({ origin = 'radius:ap', session = 's', subscriber = 'sub-1', radio = 'cafe', start = START, ...event }) => {
      const { sequence = 1n, end = start + 60_000n, uplink = 1000n, downlink = 2000n } = event
      return {
        origin,
        sessionId: session,
        sequence,
        subscriber: subscriber === null ? undefined : subscriberId(subscriber),
        radio: radio === null ? undefined : radioId(radio),
        access: 'wifi',
        start: millis(start),
        end: millis(end),
        uplink: octets(uplink),
        downlink: octets(downlink),
        cause: 'interim',
        received: millis(event.received ?? end),
        flags: Number(event.flags ?? 0n),
      } as const
    },
  )
  await store.batch((sql) => appendUsage(sql, rows))
}

export interface TestRadioEvent {
  readonly kind?: string
  readonly radio?: string
  readonly at?: bigint
  readonly payout?: string
  readonly reason?: string
  readonly expires?: bigint
}

const RADIO_EVENTS: Target = {
  table: 'radio_event',
  columns: ['kind', 'radio_id', 'owner_wallet', 'payout_wallet', 'at', 'reason', 'expires_at'],
}

/** Writes radio events as the registry would. */
export async function writeRadioEvents(store: Store, events: readonly TestRadioEvent[]): Promise<void> {
  const rows = events.map(({ kind = 'claim', radio = 'cafe', at = START, payout = WALLET, reason, expires }) => [
    kind,
    radio,
    WALLET,
    payout,
    at,
    reason ?? null,
    expires ?? null,
  ])
  await store.batch((sql) => sql.insert(RADIO_EVENTS, rows))
}
