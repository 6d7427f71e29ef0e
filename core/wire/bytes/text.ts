// UTF-8 text in fields of a few octets. Nearly all of it is ASCII, which is quicker to read and write here than across the
// border to native code.
import { isUtf8 } from 'node:buffer'
import { u8 } from './integers.ts'

/** The text of octets `from` to `end`, or undefined when they are not UTF-8 (a replacement character could make two names one). */
export function readText(bytes: Uint8Array, from: number, end: number): string | undefined {
  let text = ''
  let at = from
  for (; at + 4 <= end; at += 4) {
    const a = u8(bytes, at)
    const b = u8(bytes, at + 1)
    const c = u8(bytes, at + 2)
    const d = u8(bytes, at + 3)
    if ((a | b | c | d) > 127) return readUtf8(bytes, from, end)
    text += String.fromCharCode(a, b, c, d)
  }
  for (; at < end; at++) {
    const a = u8(bytes, at)
    if (a > 127) return readUtf8(bytes, from, end)
    text += String.fromCharCode(a)
  }
  return text
}

function readUtf8(bytes: Uint8Array, from: number, end: number): string | undefined {
  const field = Buffer.from(bytes.buffer, bytes.byteOffset + from, end - from)
  return isUtf8(field) ? field.toString('utf8') : undefined
}

/** Writes `text` and returns the octets written, or -1 when it needs more than `room` or holds half a surrogate pair. */
export function writeText(text: string, bytes: Uint8Array, at: number, room: number): number {
  const length = text.length
  if (length > room) return -1
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index)
    if (code > 127) return writeUtf8(text, bytes, at, room)
    bytes[at + index] = code
  }
  return length
}

function writeUtf8(text: string, bytes: Uint8Array, at: number, room: number): number {
  const field = Buffer.from(text, 'utf8')
  if (field.length > room || field.toString('utf8') !== text) return -1
  bytes.set(field, at)
  return field.length
}
