// The Merkle tree hash of RFC 6962 §2.1: leaves and nodes are told apart by their first octet.
import { hash } from 'node:crypto'

/** Octets of a SHA-256 hash. */
export const HASH_SIZE = 32

const LEAF = Buffer.of(0x00)
const NODE = Buffer.of(0x01)

/** MTH({}): the hash of nothing. */
export const EMPTY_ROOT: Uint8Array = sha256(new Uint8Array(0))

export function sha256(data: Uint8Array): Uint8Array {
  return hash('sha256', data, 'buffer')
}

/** MTH({d}) = SHA-256(0x00 || d). */
export function hashLeaf(entry: Uint8Array): Uint8Array {
  return sha256(Buffer.concat([LEAF, entry]))
}

/** SHA-256(0x01 || left || right). */
export function hashNode(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(Buffer.concat([NODE, left, right]))
}

export function equalHashes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
