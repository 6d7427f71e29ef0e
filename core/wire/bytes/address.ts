// IP addresses between octets and text: dotted quads, and IPv6 in the canonical form of RFC 5952.
import { u8, u16 } from './integers.ts'

const OCTET = Array.from({ length: 256 }, (_, octet) => String(octet))
const octet = (bytes: Uint8Array, at: number): string => OCTET[u8(bytes, at)] as string

/** Four octets at `at` as a dotted quad. */
export function formatIpv4(bytes: Uint8Array, at = 0): string {
  return `${octet(bytes, at)}.${octet(bytes, at + 1)}.${octet(bytes, at + 2)}.${octet(bytes, at + 3)}`
}

/** A dotted quad without leading zeros as a number below 2^32, or -1. */
export function parseIpv4(text: string): number {
  let value = 0
  let part = -1
  let parts = 0
  for (let index = 0; index <= text.length; index++) {
    const code = index < text.length ? text.charCodeAt(index) : 46
    if (code === 46) {
      if (part < 0 || ++parts > 4) return -1
      value = value * 256 + part
      part = -1
    } else {
      if (code < 48 || code > 57 || part === 0) return -1
      part = (part < 0 ? 0 : part * 10) + code - 48
      if (part > 255) return -1
    }
  }
  return parts === 4 ? value : -1
}

/** Sixteen octets at `at` as RFC 5952 §4 writes them; IPv4-mapped addresses with a dotted quad (§5). */
export function formatIpv6(bytes: Uint8Array, at = 0): string {
  const groups = Array.from({ length: 8 }, (_, group) => u16(bytes, at + group * 2))
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return `::ffff:${formatIpv4(bytes, at + 12)}`
  // The longest run of two or more zero groups, the first of equals, becomes `::`.
  let best = 0
  let bestLength = 1
  for (let start = 0; start < 8; start++) {
    let length = 0
    while (start + length < 8 && groups[start + length] === 0) length++
    if (length > bestLength) {
      best = start
      bestLength = length
    }
  }
  const hex = groups.map((group) => group.toString(16))
  if (bestLength === 1) return hex.join(':')
  return `${hex.slice(0, best).join(':')}::${hex.slice(best + bestLength).join(':')}`
}

/** Sixteen octets of an IPv6 address in any form of RFC 4291 §2.2 without a zone, or undefined. */
export function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = parseGroups(halves[0] ?? '', halves.length === 1)
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? '', true) : []
  if (head === undefined || tail === undefined) return undefined
  const missing = 16 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined
  const bytes = new Uint8Array(16)
  bytes.set(head, 0)
  bytes.set(tail, 16 - tail.length)
  return bytes
}

/** Octets of colon-separated groups; the last may be a dotted quad when `last`. */
function parseGroups(text: string, last: boolean): number[] | undefined {
  if (text === '') return []
  const octets: number[] = []
  const groups = text.split(':')
  for (const [index, group] of groups.entries()) {
    if (last && index === groups.length - 1 && group.includes('.')) {
      const quad = parseIpv4(group)
      if (quad < 0) return undefined
      octets.push(quad >>> 24, (quad >>> 16) & 255, (quad >>> 8) & 255, quad & 255)
    } else if (/^[0-9a-f]{1,4}$/i.test(group)) {
      const value = Number.parseInt(group, 16)
      octets.push(value >> 8, value & 255)
    } else return undefined
  }
  return octets.length > 16 ? undefined : octets
}

/** Sixteen octets of an IPv4 or IPv6 address, IPv4 as an IPv4-mapped one (RFC 4291 §2.5.5.2), or undefined. */
export function parseAddress(text: string): Uint8Array | undefined {
  if (text.includes(':')) return parseIpv6(text)
  const quad = parseIpv4(text)
  if (quad < 0) return undefined
  const bytes = new Uint8Array(16)
  bytes.fill(255, 10, 12)
  bytes.set([quad >>> 24, (quad >>> 16) & 255, (quad >>> 8) & 255, quad & 255], 12)
  return bytes
}
