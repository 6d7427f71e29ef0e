// The simple types that charging data records are made of (X.690 §8.2 to §8.8, §8.19, §8.23).
import { readText } from '../bytes/text.ts'
import { type BerType, mapped, primitive } from './type.ts'

const MAX_INTEGER_OCTETS = 16

/** Two's complement in as few octets as hold it (X.690 §8.3); at most sixteen are read. */
function integerOctets(value: bigint): Uint8Array | undefined {
  let length = 1
  while (BigInt.asIntN(length * 8, value) !== value) if (++length > MAX_INTEGER_OCTETS) return undefined
  const octets = new Uint8Array(length)
  for (let rest = value, at = length - 1; at >= 0; at--, rest >>= 8n) octets[at] = Number(rest & 0xffn)
  return octets
}

function readInteger(contents: Uint8Array): bigint | undefined {
  const [first, second] = contents
  if (first === undefined || contents.length > MAX_INTEGER_OCTETS) return undefined
  // The first nine bits are not all alike (X.690 §8.3.2).
  if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) return undefined
  let value = 0n
  for (const octet of contents) value = (value << 8n) | BigInt(octet)
  return BigInt.asIntN(contents.length * 8, value)
}

export const INTEGER: BerType<bigint> = primitive(2, integerOctets, readInteger)
export const ENUMERATED: BerType<bigint> = primitive(10, integerOctets, readInteger)

/** INTEGER (0..max). */
export const unsigned = (max: bigint): BerType<bigint> => {
  const within = (value: bigint): bigint | undefined => (value >= 0n && value <= max ? value : undefined)
  return mapped(INTEGER, within, within)
}

/** FALSE is zero, TRUE any other octet, written as 255 (X.690 §8.2.2, §11.1). */
export const BOOLEAN: BerType<boolean> = primitive(
  1,
  (value) => Uint8Array.of(value ? 0xff : 0),
  (contents) => (contents.length === 1 ? contents[0] !== 0 : undefined),
)

const MAX_BIT = 255

/** A named bit list: the numbers of the bits that are set, ascending; trailing zero bits are left away (X.690 §11.2.2). */
export const BIT_STRING: BerType<readonly number[]> = primitive(
  3,
  (bits) => {
    const highest = Math.max(-1, ...bits)
    if (highest > MAX_BIT || !bits.every((bit) => Number.isInteger(bit) && bit >= 0)) return undefined
    const contents = new Uint8Array(2 + (highest >> 3))
    contents[0] = highest < 0 ? 0 : 7 - (highest & 7)
    for (const bit of bits) contents[1 + (bit >> 3)] = (contents[1 + (bit >> 3)] as number) | (0x80 >> (bit & 7))
    return contents
  },
  (contents) => {
    const [unused, ...octets] = contents
    if (unused === undefined || unused > 7 || octets.length * 8 < unused || octets.length * 8 > MAX_BIT + 1)
      return undefined
    const bits = octets.flatMap((octet, at) =>
      [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => octet & (0x80 >> bit)).map((bit) => at * 8 + bit),
    )
    return (bits.at(-1) ?? -1) < octets.length * 8 - unused ? bits : undefined
  },
)

/** OCTET STRING (SIZE(min..max)), read as a view. */
export const octetString = (min: number, max: number): BerType<Uint8Array> => {
  const fits = (octets: Uint8Array): Uint8Array | undefined =>
    octets.length >= min && octets.length <= max ? octets : undefined
  return primitive(4, fits, fits)
}

const text = (number: number, max: number, min: number, form: RegExp): BerType<string> =>
  primitive(
    number,
    (value) => {
      const octets = Buffer.from(value, 'utf8')
      const fits = octets.length >= min && octets.length <= max
      // Half a surrogate pair has no octets of its own.
      return fits && form.test(value) && octets.toString('utf8') === value ? octets : undefined
    },
    (contents) => {
      if (contents.length < min || contents.length > max) return undefined
      const value = readText(contents, 0, contents.length)
      return value !== undefined && form.test(value) ? value : undefined
    },
  )

const ANY_TEXT = /^/
const ASCII = /^\p{ASCII}*$/u
const PRINTABLE = /^[\x20-\x7e]*$/

/** UTF8String; sizes in octets. */
export const utf8String = (max: number, min = 0): BerType<string> => text(12, max, min, ANY_TEXT)
/** IA5String (SIZE(min..max)). */
export const ia5String = (max: number, min = 0): BerType<string> => text(22, max, min, ASCII)
/** GraphicString of printable ASCII: no other character set is switched to. */
export const graphicString = (max: number, min = 0): BerType<string> => text(25, max, min, PRINTABLE)

const MAX_OID_OCTETS = 64

/** OBJECT IDENTIFIER as dotted decimals, arcs of any size (X.690 §8.19). */
export const OBJECT_IDENTIFIER: BerType<string> = primitive(
  6,
  (value) => {
    if (!/^[0-2](\.(0|[1-9][0-9]*))+$/.test(value)) return undefined
    const [root = 0n, second = 0n, ...arcs] = value.split('.').map(BigInt)
    if (root < 2n && second > 39n) return undefined
    const octets = [root * 40n + second, ...arcs].flatMap((arc) => {
      const digits = [Number(arc & 0x7fn)]
      for (let rest = arc >> 7n; rest > 0n; rest >>= 7n) digits.unshift(Number(rest & 0x7fn) | 0x80)
      return digits
    })
    return octets.length <= MAX_OID_OCTETS ? Uint8Array.from(octets) : undefined
  },
  (contents) => {
    if (contents.length === 0 || contents.length > MAX_OID_OCTETS || (contents.at(-1) as number) > 0x7f)
      return undefined
    const arcs: bigint[] = []
    let arc: bigint | undefined
    for (const octet of contents) {
      if (arc === undefined && octet === 0x80) return undefined
      arc = ((arc ?? 0n) << 7n) | BigInt(octet & 0x7f)
      if (octet > 0x7f) continue
      arcs.push(arc)
      arc = undefined
    }
    const [first = 0n, ...rest] = arcs
    const root = first < 80n ? first / 40n : 2n
    return [root, first - root * 40n, ...rest].join('.')
  },
)
