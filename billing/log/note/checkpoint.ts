// Checkpoints (C2SP tlog-checkpoint) and the signatures on them: the log's own (signed-note, Ed25519), and those of cosigners,
// who state that they saw the log grow consistently up to a time (C2SP tlog-cosignature, cosignature/v1). Pure.
import type { SigningKey } from '../../../core/runtime/keys.ts'
import { HASH_SIZE } from '../tree/hash.ts'
import { decodeBase64, encodeBase64 } from './base64.ts'
import { SIGNATURE_SIZE, verifyEd25519 } from './ed25519.ts'
import { keyIdOf, type Note, type NoteSignature, parseNote, SIGNATURE_TYPE, type VerifierKey } from './note.ts'

export interface Checkpoint {
  readonly origin: string
  readonly size: bigint
  /** 32 octets. */
  readonly root: Uint8Array
}

const TIME_SIZE = 8
/** tlog-cosignature: a time stamp must not exceed 2^63 - 1. */
const MAX_TIME = (1n << 63n) - 1n

/** The note text: origin, size, root, a line each. Extension lines are not recommended, and Tallycell has none. */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${encodeBase64(root)}\n`
}

/** Undefined unless `formatCheckpoint` of the result is `text`. */
function parseCheckpoint(text: string): Checkpoint | undefined {
  const [, origin, size, base64] = /^([^\n]+)\n(0|[1-9][0-9]{0,18})\n([^\n]+)\n$/.exec(text) ?? []
  if (origin === undefined || size === undefined || base64 === undefined) return undefined
  const root = decodeBase64(base64)
  return root?.length === HASH_SIZE ? { origin, size: BigInt(size), root } : undefined
}

/** The log's signature line; the key's name is the origin, as tlog-checkpoint recommends. */
export function signCheckpoint(checkpoint: Checkpoint, signer: SigningKey): Note {
  const text = formatCheckpoint(checkpoint)
  const name = checkpoint.origin
  const keyId = keyIdOf(name, SIGNATURE_TYPE.ed25519, signer.publicKey)
  return { text, signatures: [{ name, keyId, signature: signer.sign(Buffer.from(text)) }] }
}

/** A cosignature line for a checkpoint's note. `name`: the cosigner; `seconds`: since 1970 UTC. */
export function cosign(text: string, name: string, signer: SigningKey, seconds: bigint): NoteSignature {
  const time = Buffer.alloc(TIME_SIZE)
  time.writeBigUInt64BE(seconds)
  return {
    name,
    keyId: keyIdOf(name, SIGNATURE_TYPE.cosignature, signer.publicKey),
    signature: Buffer.concat([time, signer.sign(cosignedMessage(text, seconds))]),
  }
}

/** tlog-cosignature, Ed25519 signed message. */
function cosignedMessage(text: string, seconds: bigint): Uint8Array {
  return Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`)
}

export interface Cosigned {
  readonly key: VerifierKey
  /** When the cosigner signed, seconds since 1970 UTC. */
  readonly seconds: bigint
}

export const CHECKPOINT_FAULTS = {
  'not-a-note': 'it is not a signed note',
  'not-a-checkpoint': 'its text is not a checkpoint of origin, size and root',
  'other-origin': 'it belongs to another log',
  'not-signed': 'the log has not signed it with the key given',
  'bad-signature': 'a signature on it is wrong',
  'unknown-signer': 'it carries a signature of a key that was not given',
} as const
export type CheckpointFault = keyof typeof CHECKPOINT_FAULTS

export type Opened =
  | {
      readonly ok: true
      readonly checkpoint: Checkpoint
      readonly cosigned: readonly Cosigned[]
      /** Signature lines of keys that were not given; they prove nothing. */
      readonly unknown: readonly NoteSignature[]
      readonly note: Note
    }
  | { readonly ok: false; readonly fault: CheckpointFault }

/**
 * Checks a checkpoint. It must be signed by `key`, whose name must be its origin; signatures of `cosigners` that are there must be
 * right. Signatures of other keys are passed over, as signed-note requires, and returned as `unknown`.
 */
export function openCheckpoint(source: string, key: VerifierKey, cosigners: readonly VerifierKey[] = []): Opened {
  const note = parseNote(source)
  if (!note) return { ok: false, fault: 'not-a-note' }
  const checkpoint = parseCheckpoint(note.text)
  if (!checkpoint) return { ok: false, fault: 'not-a-checkpoint' }
  if (checkpoint.origin !== key.name) return { ok: false, fault: 'other-origin' }
  const cosigned: Cosigned[] = []
  const unknown: NoteSignature[] = []
  let signed = false
  for (const signature of note.signatures) {
    const known = [key, ...cosigners].find(({ name, keyId }) => name === signature.name && keyId === signature.keyId)
    if (!known) {
      unknown.push(signature)
      continue
    }
    const seconds = verifySignature(note.text, signature, known)
    if (seconds === undefined) return { ok: false, fault: 'bad-signature' }
    if (known === key) signed = true
    else cosigned.push({ key: known, seconds })
  }
  return signed ? { ok: true, checkpoint, cosigned, unknown, note } : { ok: false, fault: 'not-signed' }
}

/** The time of a right cosignature, 0 for a right plain signature, undefined for a wrong one. */
function verifySignature(
  text: string,
  { signature }: NoteSignature,
  { type, publicKey }: VerifierKey,
): bigint | undefined {
  if (type === SIGNATURE_TYPE.ed25519) return verifyEd25519(publicKey, Buffer.from(text), signature) ? 0n : undefined
  if (signature.length !== TIME_SIZE + SIGNATURE_SIZE) return undefined
  const seconds = Buffer.from(signature).readBigUInt64BE()
  if (seconds > MAX_TIME) return undefined
  const message = cosignedMessage(text, seconds)
  return verifyEd25519(publicKey, message, signature.subarray(TIME_SIZE)) ? seconds : undefined
}

/** The note with `signature` in place of an earlier one of the same key, or after the others. */
export function addSignature(note: Note, signature: NoteSignature): Note {
  const others = note.signatures.filter(({ name, keyId }) => name !== signature.name || keyId !== signature.keyId)
  return { text: note.text, signatures: [...others, signature] }
}
