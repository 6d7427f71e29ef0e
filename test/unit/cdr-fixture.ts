// Charging data records to test with: one of each kind, and any at all.
import fc from 'fast-check'
import type { CdrNode } from '../../billing/charging/cdr/contents.ts'
import type { ChargingRecord, ServiceContainer } from '../../billing/charging/cdr/record.ts'
import { imsi, radioId, subscriberId } from '../../core/kernel/ids.ts'
import { millis } from '../../core/kernel/units.ts'

export const NODE: CdrNode = {
  nodeId: 'tally-1',
  functionId: '00000000-0000-4000-8000-000000000001',
  address: '192.0.2.9',
  utcOffset: 120,
}

/** 2026-01-01T00:00:00Z. */
const START = 1_767_225_600_000n

export const SERVICE: ServiceContainer = {
  ratingGroup: 10n,
  uplink: 1_000_000n,
  downlink: 5_000_000_000n,
  seconds: 3600n,
  messages: 0n,
  firstUse: millis(START + 1000n),
  lastUse: millis(START + 3_599_000n),
  tariff: 'day',
  charge: 1_500_000n,
  bundleOctets: 2_000_000_000n,
  zeroRatedOctets: 0n,
}

export const RECORD: ChargingRecord = {
  number: 1n,
  partial: undefined,
  cause: 'normal-release',
  tenant: 'acme',
  subscriber: subscriberId('sub-1'),
  imsi: imsi('001010000000001'),
  msisdn: '4915112345678',
  access: 'lte',
  origin: 'gy:smf.example',
  sessionId: 'smf.example;1;2',
  chargingId: 77n,
  radio: radioId('radio-1'),
  apn: 'internet',
  nodeAddress: '198.51.100.7',
  visitedPlmn: '26201',
  opened: millis(START),
  closed: millis(START + 3_600_000n),
  seconds: 3600n,
  services: [SERVICE, { ...SERVICE, ratingGroup: 0n, messages: 3n, tariff: undefined, charge: -5n }],
  charge: 1_499_995n,
  currency: 'EUR',
}

/** Objects such as literals make: without it some have no prototype. */
const PLAIN = { noNullPrototype: true } as const
const u32 = fc.bigInt(0n, 2n ** 32n - 1n)
const octets = fc.oneof(fc.bigInt(0n, 2n ** 64n - 1n), fc.bigInt(0n, 300n))
const money = fc.oneof(fc.bigInt(-(2n ** 63n), 2n ** 63n), fc.bigInt(-300n, 300n))
/** Whole seconds from 2000-01-02 to 2099-12-30: in the years of a TimeStamp in every zone. */
const second = fc.integer({ min: 946_771_200, max: 4_102_272_000 }).map((value) => millis(value * 1000))
const digits = (minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789'), minLength, maxLength })
const text = (maxLength: number) => fc.string({ unit: 'grapheme', minLength: 1, maxLength })
const name = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,63}$/)
const maybe = <Value>(arbitrary: fc.Arbitrary<Value>) => fc.option(arbitrary, { nil: undefined })
const address = fc.oneof(fc.ipV4(), fc.constantFrom('2001:db8::1', '::', 'fe80::1:2', '2001:db8:1:2:3:4:5:6'))

const anyService: fc.Arbitrary<ServiceContainer> = fc.record(
  {
    ratingGroup: fc.oneof(u32, fc.bigInt(0n, 3n)),
    uplink: octets,
    downlink: octets,
    seconds: octets,
    messages: fc.oneof(fc.constant(0n), octets),
    firstUse: second,
    lastUse: second,
    tariff: maybe(text(8)),
    charge: money,
    bundleOctets: octets,
    zeroRatedOctets: octets,
  },
  PLAIN,
)

export const anyRecord: fc.Arbitrary<ChargingRecord> = fc.record(
  {
    number: fc.bigInt(1n, 2n ** 64n - 1n),
    partial: maybe(fc.bigInt(1n, 2n ** 40n)),
    cause: fc.constantFrom('normal-release', 'time-limit', 'volume-limit', 'management', 'abnormal-release'),
    tenant: text(20),
    subscriber: name.map(subscriberId),
    imsi: digits(6, 15).map(imsi),
    msisdn: maybe(digits(1, 15)),
    access: fc.constantFrom('wifi', 'lte', 'nr'),
    origin: text(30),
    sessionId: text(40),
    chargingId: u32,
    radio: maybe(name.map(radioId)),
    apn: maybe(fc.stringMatching(/^[a-z][a-z0-9.-]{0,62}$/)),
    nodeAddress: maybe(address),
    visitedPlmn: maybe(digits(5, 6)),
    opened: second,
    closed: second,
    seconds: octets,
    services: fc.array(anyService, { maxLength: 5 }),
    charge: money,
    currency: fc.stringMatching(/^[A-Z]{3}$/),
  },
  PLAIN,
)

export const anyNode: fc.Arbitrary<CdrNode> = fc.record(
  {
    nodeId: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9.-]{0,19}$/),
    functionId: fc.uuid(),
    address,
    utcOffset: fc.integer({ min: -1439, max: 1439 }),
  },
  PLAIN,
)
