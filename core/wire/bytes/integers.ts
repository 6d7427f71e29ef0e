// Unsigned big-endian integers. Callers check lengths first: reading past the end is a mistake of ours, not of the peer.

export const u8 = (bytes: Uint8Array, at: number): number => bytes[at] as number

export const u16 = (bytes: Uint8Array, at: number): number => (u8(bytes, at) << 8) | u8(bytes, at + 1)

export const u24 = (bytes: Uint8Array, at: number): number =>
  (u8(bytes, at) << 16) | (u8(bytes, at + 1) << 8) | u8(bytes, at + 2)

export const u32 = (bytes: Uint8Array, at: number): number => u8(bytes, at) * 0x1000000 + u24(bytes, at + 1)

export const u64 = (bytes: Uint8Array, at: number): bigint =>
  (BigInt(u32(bytes, at)) << 32n) | BigInt(u32(bytes, at + 4))

export function putU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}

export function putU24(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 16
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value
}

export function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  putU24(bytes, at + 1, value)
}

export function putU64(bytes: Uint8Array, at: number, value: bigint): void {
  putU32(bytes, at, Number(value >> 32n))
  putU32(bytes, at + 4, Number(value & 0xffffffffn))
}
