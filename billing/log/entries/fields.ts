// What a field of an entry may hold: writing and reading side by side. `write` gets values that `accepts` agreed to; `read` gets
// whatever a stranger's CBOR held, and answers undefined for anything else than `write` can have meant.
import type { Access } from '../../../core/events/usage-event.ts'
import { type PayerId, payerId, type RadioId, radioId, type Wallet, wallet } from '../../../core/kernel/ids.ts'
import { formatOctets, formatTokens, type Microtokens, type Millis, type Octets } from '../../../core/kernel/units.ts'
import type { RatePayer } from '../../policy/policy.ts'
import { parseVerdict, type Verdict } from '../../policy/verdict.ts'
import type { CborWriter } from './cbor-writer.ts'

export interface Field<Value> {
  accepts(value: Value): boolean
  write(writer: CborWriter, value: Value): void
  read(item: unknown): Value | undefined
  /** For people: what the field holds. */
  readonly words: string
  /** For people: a value. */
  show(value: Value): string
}

export type ValueOf<Of> = Of extends Field<infer Value> ? Value : never

/** SQL integers are 64-bit signed on both engines. */
const MAX_INTEGER = (1n << 63n) - 1n
const MIN_INTEGER = -(1n << 63n)

/** An integer of `from` to 2^63 - 1, with the brand of its unit. */
function integer<Value extends bigint>(
  words: string,
  show: (value: bigint) => string = String,
  from = 0n,
): Field<Value> {
  const fits = (value: bigint): boolean => value >= from && value <= MAX_INTEGER
  return {
    words,
    show,
    accepts: fits,
    write: (writer, value) => writer.integer(value),
    read(item) {
      if (typeof item !== 'bigint' && !(typeof item === 'number' && Number.isSafeInteger(item))) return undefined
      const value = BigInt(item)
      return fits(value) ? (value as Value) : undefined
    },
  }
}

/** Text of 1 to `max` octets of UTF-8 that `parse` agrees to, by neither throwing nor answering undefined. */
function text<Value extends string>(
  words: string,
  max: number,
  parse: (text: string) => Value | undefined,
): Field<Value> {
  const read = (item: unknown): Value | undefined => {
    if (typeof item !== 'string' || item.length === 0 || item.length > max || Buffer.byteLength(item) > max)
      return undefined
    try {
      return parse(item)
    } catch {
      return undefined
    }
  }
  return {
    words,
    show: String,
    accepts: (value) => read(value) !== undefined,
    write: (writer, value) => writer.text(value),
    read,
  }
}

/** Exactly `size` octets. */
function octetString(words: string, size: number): Field<Uint8Array> {
  const fits = (value: Uint8Array): boolean => value.length === size
  return {
    words: `${words}, ${size} octets`,
    show: (value) => Buffer.from(value).toString('hex'),
    accepts: fits,
    write: (writer, value) => writer.bytes(value),
    read: (item) => (item instanceof Uint8Array && fits(item) ? item : undefined),
  }
}

/** A word that stands in the log as a small number. */
function oneOf<Word extends string>(codes: Readonly<Record<Word, number>>): Field<Word> {
  const words = Object.keys(codes) as Word[]
  return {
    words: words.map((word) => `${codes[word]} ${word}`).join(', '),
    show: String,
    accepts: (value) => Object.hasOwn(codes, value),
    write: (writer, value) => writer.integer(BigInt(codes[value])),
    read: (item) => words.find((word) => codes[word] === item),
  }
}

/** An array of at most `max`. */
export function listOf<Value>(item: Field<Value>, max: number): Field<readonly Value[]> {
  return {
    words: `at most ${max} of: ${item.words}`,
    show: (value) => value.map((each) => item.show(each)).join('; '),
    accepts: (value) => value.length <= max && value.every((each) => item.accepts(each)),
    write(writer, value) {
      writer.array(value.length)
      for (const each of value) item.write(writer, each)
    },
    read(found) {
      if (!Array.isArray(found) || found.length > max) return undefined
      const values: Value[] = []
      for (const each of found) {
        const value = item.read(each)
        if (value === undefined) return undefined
        values.push(value)
      }
      return values
    },
  }
}

type Parts = Readonly<Record<string, Field<unknown>>>
type RecordOf<Of extends Parts> = { readonly [Name in keyof Of]: ValueOf<Of[Name]> }

/** An array with a named field at each place. */
export function record<const Of extends Parts>(parts: Of): Field<RecordOf<Of>> {
  const places = Object.entries(parts)
  return {
    words: `[${places.map(([name, { words }]) => `${name}: ${words}`).join('; ')}]`,
    show: (value: Readonly<Record<string, unknown>>) =>
      places.map(([name, field]) => `${name} ${field.show(value[name])}`).join(', '),
    accepts: (value: Readonly<Record<string, unknown>>) => places.every(([name, field]) => field.accepts(value[name])),
    write(writer, value: Readonly<Record<string, unknown>>) {
      writer.array(places.length)
      for (const [name, field] of places) field.write(writer, value[name])
    },
    read(found) {
      if (!Array.isArray(found) || found.length !== places.length) return undefined
      const value: Record<string, unknown> = {}
      for (const [at, [name, field]] of places.entries()) {
        const each = field.read(found[at])
        if (each === undefined) return undefined
        value[name] = each
      }
      return value as RecordOf<Of>
    },
  }
}

/** The times that a Date can hold, ECMA-262 §21.4.1.1. */
const MAX_DATE = 8_640_000_000_000_000n

function utc(time: bigint): string {
  if (time < -MAX_DATE || time > MAX_DATE) return `${time} ms since 1970`
  return new Date(Number(time)).toISOString().replace('T', ' ').replace('Z', ' UTC')
}

/** Octets of a free text. */
export const MAX_TEXT = 256
/** No control characters, so that what is shown to people cannot move their cursor; no half of a surrogate pair. */
const PLAIN = /^[^\p{Cc}\p{Surrogate}]*$/u
const BASE58 = /^[1-9A-HJ-NP-Za-km-z]+$/

const plainText = (value: string): string | undefined => (PLAIN.test(value) ? value : undefined)

export const count: Field<bigint> = integer('whole number, 0 to 2^63 - 1')
export const difference: Field<bigint> = integer('octets, may be negative', String, MIN_INTEGER)
export const octetCount: Field<Octets> = integer('octets', (value) =>
  value < 1000n ? `${value} octets` : `${formatOctets(value)} (${value} octets)`,
)
export const money: Field<Microtokens> = integer('microtokens', (value) => `${formatTokens(value)} tokens`)
export const instant: Field<Millis> = integer('milliseconds since 1970 UTC', utc, MIN_INTEGER)
export const duration: Field<Millis> = integer('milliseconds', (value) => `${value} ms`)
export const sentence: Field<string> = text(`text, at most ${MAX_TEXT} octets`, MAX_TEXT, plainText)
export const radioName: Field<RadioId> = text('radio id', 64, radioId)
export const payerName: Field<PayerId> = text('payer id', 64, payerId)
export const ratePayer: Field<RatePayer> = text("payer id, or '*' for every other", 64, (name) =>
  name === '*' ? name : payerId(name),
)
export const account: Field<Wallet> = text('Solana address', 44, wallet)
export const transaction: Field<string> = text('Solana transaction signature, base58', 88, (value) =>
  BASE58.test(value) ? value : undefined,
)
export const verdictText: Field<Verdict> = text('VALID, HOLD(code) or REJECT(code)', 40, parseVerdict)
export const reference: Field<Uint8Array> = octetString('keyed hash', 16)
export const digest: Field<Uint8Array> = octetString('SHA-256', 32)
export const publicKey: Field<Uint8Array> = octetString('Ed25519 public key', 32)
export const signature: Field<Uint8Array> = octetString('Ed25519 signature', 64)
export const access: Field<Access> = oneOf({ wifi: 1, lte: 2, nr: 3 })
export const registryKind = oneOf({ claim: 1, payout: 2, ban: 3, unban: 4, appeal: 5 })
