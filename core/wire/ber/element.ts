// Elements of the Basic Encoding Rules (X.690 §8.1): tag, definite length, contents. Reading is total and capped.
import { u8 } from '../bytes/integers.ts'
import { type BerFault, berFault, isBerFault } from './fault.ts'

/** Bits 8 and 7 of the first octet (X.690 §8.1.2.2). */
export const TAG_CLASS = { universal: 0, application: 1, context: 2, private: 3 } as const
export type TagClass = (typeof TAG_CLASS)[keyof typeof TAG_CLASS]

export interface Tag {
  readonly class: TagClass
  /** Below 2^28. */
  readonly number: number
}

export const universal = (number: number): Tag => ({ class: TAG_CLASS.universal, number })
export const context = (number: number): Tag => ({ class: TAG_CLASS.context, number })

export interface Element {
  readonly tag: Tag
  readonly constructed: boolean
  /** Where the element begins, octets from the start of what was decoded. */
  readonly offset: number
  /** The whole element, a view. */
  readonly octets: Uint8Array
  /** What follows the length, a view. */
  readonly contents: Uint8Array
  /** Elements in the contents; none in a primitive element. */
  readonly children: readonly Element[]
}

export interface BerLimits {
  readonly depth: number
  readonly elements: number
}

const LIMITS: BerLimits = { depth: 16, elements: 20_000 }
const CONSTRUCTED = 0x20
const HIGH_TAG = 0x1f
const MAX_TAG_OCTETS = 4

/** An element with `parts` as its contents, its tag and length in as few octets as they need. */
export function writeElement(tag: Tag, constructed: boolean, parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const tagDigits = tag.number < HIGH_TAG ? 0 : digitsOf(tag.number, 7)
  const lengthDigits = length < 0x80 ? 0 : digitsOf(length, 8)
  const octets = new Uint8Array(2 + tagDigits + lengthDigits + length)
  const first = (tag.class << 6) | (constructed ? CONSTRUCTED : 0)
  octets[0] = first | (tagDigits === 0 ? tag.number : HIGH_TAG)
  let at = 1
  for (let left = tagDigits - 1; left >= 0; left--)
    octets[at++] = ((tag.number >>> (7 * left)) & 0x7f) | (left === 0 ? 0 : 0x80)
  octets[at++] = lengthDigits === 0 ? length : 0x80 | lengthDigits
  for (let left = lengthDigits - 1; left >= 0; left--) octets[at++] = length >>> (8 * left)
  for (const part of parts) {
    octets.set(part, at)
    at += part.length
  }
  return octets
}

/** How many digits of so many bits a number of at most 32 bits has. */
const digitsOf = (value: number, bits: number): number => Math.ceil((32 - Math.clz32(value)) / bits)

/** The one element that `octets` are, with all within it. */
export function readElement(octets: Uint8Array, limits: BerLimits = LIMITS): Element | BerFault {
  const budget = { elements: limits.elements }
  const element = readAt(octets, 0, octets.length, limits.depth, budget)
  if (isBerFault(element)) return element
  return element.octets.length === octets.length ? element : berFault('trailing', element.octets.length)
}

function readAt(
  octets: Uint8Array,
  from: number,
  end: number,
  depth: number,
  budget: { elements: number },
): Element | BerFault {
  if (depth === 0) return berFault('too-deep', from)
  if (budget.elements-- === 0) return berFault('too-many', from)
  if (from >= end) return berFault('truncated', from)
  const first = u8(octets, from)
  const constructed = (first & CONSTRUCTED) !== 0
  let number = first & HIGH_TAG
  let at = from + 1
  if (number === HIGH_TAG) {
    number = 0
    for (let more = true; more; at++) {
      if (at - from > MAX_TAG_OCTETS) return berFault('tag-form', from)
      if (at >= end) return berFault('truncated', from)
      const digit = u8(octets, at)
      if (number === 0 && digit === 0x80) return berFault('tag-form', from)
      number = number * 128 + (digit & 0x7f)
      more = digit > 0x7f
    }
    if (number < HIGH_TAG) return berFault('tag-form', from)
  }
  if (at >= end) return berFault('truncated', from)
  let length = u8(octets, at++)
  if (length === 0x80) return berFault('indefinite-length', from)
  if (length > 0x80) {
    const digits = length & 0x7f
    if (digits > 4) return berFault('length-form', from)
    if (digits > end - at) return berFault('truncated', from)
    length = 0
    for (let digit = 0; digit < digits; digit++) length = length * 256 + u8(octets, at++)
  }
  if (length > end - at) return berFault('truncated', from)
  const stop = at + length
  const children: Element[] = []
  for (let next = at; constructed && next < stop; ) {
    const child = readAt(octets, next, stop, depth - 1, budget)
    if (isBerFault(child)) return child
    children.push(child)
    next += child.octets.length
  }
  return {
    tag: { class: (first >>> 6) as TagClass, number },
    constructed,
    offset: from,
    octets: octets.subarray(from, stop),
    contents: octets.subarray(at, stop),
    children,
  }
}
