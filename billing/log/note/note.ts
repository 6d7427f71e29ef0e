// Signed notes and verifier keys: C2SP signed-note. Pure.
import { hash } from 'node:crypto'
import { decodeBase64, encodeBase64 } from './base64.ts'
import { PUBLIC_KEY_SIZE } from './ed25519.ts'

/** Signature types of signed-note that Tallycell makes and checks. */
export const SIGNATURE_TYPE = { ed25519: 0x01, cosignature: 0x04 } as const
export type SignatureType = (typeof SIGNATURE_TYPE)[keyof typeof SIGNATURE_TYPE]

export interface NoteSignature {
  readonly name: string
  /** 32 bits, unsigned. */
  readonly keyId: number
  /** What follows the key id. */
  readonly signature: Uint8Array
}

export interface Note {
  /** Ends in a newline, which is signed too. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

export interface VerifierKey {
  readonly name: string
  readonly keyId: number
  readonly type: SignatureType
  /** 32 octets. */
  readonly publicKey: Uint8Array
}

/** signed-note wants at least 16 accepted, and some limit. */
const MAX_SIGNATURES = 64
const ID_SIZE = 4

/** Neither Unicode spaces nor '+' nor control characters (signed-note, Format). */
export function isKeyName(name: string): boolean {
  return name.length > 0 && name.length <= 255 && !/[\s+\p{Cc}\p{Z}]/u.test(name)
}

/** key ID = SHA-256(name || 0x0A || type || public key)[:4] (signed-note, Signatures). */
export function keyIdOf(name: string, type: SignatureType, publicKey: Uint8Array): number {
  return hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(type), publicKey]), 'buffer').readUInt32BE()
}

export function verifierKey(name: string, type: SignatureType, publicKey: Uint8Array): VerifierKey {
  return { name, keyId: keyIdOf(name, type, publicKey), type, publicKey }
}

/** `name+keyid+base64(type || public key)` (signed-note, Verifier keys). */
export function formatVkey({ name, keyId, type, publicKey }: VerifierKey): string {
  return `${name}+${hex(keyId)}+${encodeBase64(Buffer.concat([Buffer.of(type), publicKey]))}`
}

/** Undefined for anything but an Ed25519 or cosignature/v1 key whose id is its own. */
export function parseVkey(text: string): VerifierKey | undefined {
  const [, name, id, body] = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text) ?? []
  if (name === undefined || id === undefined || body === undefined || !isKeyName(name)) return undefined
  const octets = decodeBase64(body)
  const type = Object.values(SIGNATURE_TYPE).find((known) => known === octets?.[0])
  if (octets?.length !== 1 + PUBLIC_KEY_SIZE || type === undefined) return undefined
  const key = verifierKey(name, type, octets.subarray(1))
  return hex(key.keyId) === id ? key : undefined
}

export function formatNote({ text, signatures }: Note): string {
  const lines = signatures.map(({ name, keyId, signature }) => {
    const id = Buffer.alloc(ID_SIZE)
    id.writeUInt32BE(keyId)
    return `— ${name} ${encodeBase64(Buffer.concat([id, signature]))}\n`
  })
  return `${text}\n${lines.join('')}`
}

/** Undefined unless `formatNote` of the result is `source`, octet for octet. */
export function parseNote(source: string): Note | undefined {
  const gap = source.lastIndexOf('\n\n')
  if (gap < 0 || !source.endsWith('\n') || !isPrintable(source)) return undefined
  const lines = source.slice(gap + 2, -1).split('\n')
  if (lines.length > MAX_SIGNATURES) return undefined
  const signatures: NoteSignature[] = []
  for (const line of lines) {
    const signature = parseLine(line)
    if (!signature) return undefined
    signatures.push(signature)
  }
  return { text: source.slice(0, gap + 1), signatures }
}

function parseLine(line: string): NoteSignature | undefined {
  const [, name, body] = /^— (\S+) (\S+)$/.exec(line) ?? []
  const octets = body === undefined ? undefined : decodeBase64(body)
  if (name === undefined || !isKeyName(name) || !octets || octets.length <= ID_SIZE) return undefined
  return { name, keyId: Buffer.from(octets).readUInt32BE(), signature: octets.subarray(ID_SIZE) }
}

/** No ASCII control characters other than newline; no half of a surrogate pair, which UTF-8 cannot carry. */
function isPrintable(source: string): boolean {
  for (const character of source) if (character < ' ' && character !== '\n') return false
  return !/\p{Surrogate}/u.test(source)
}

const hex = (keyId: number): string => keyId.toString(16).padStart(8, '0')
