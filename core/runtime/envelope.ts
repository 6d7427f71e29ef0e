// The form of a stored key, in a file or in a row: one line of JSON around AES-256-GCM. What the key is and its name are authenticated with it, so
// that no file can stand in for another.
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { fail } from '../kernel/errors.ts'

export type EnvelopeKind = 'ed25519' | 'secret' | 'data-key'

export interface Envelope {
  readonly kind: EnvelopeKind
  readonly name: string
  /** 32 octets. */
  readonly kek: Buffer
  /** For messages. */
  readonly file: string
  readonly kekFile: string
}

const FORMAT = 'tallycell-key/1'
// SP 800-38D: a random 96-bit IV; a key-encryption key seals far fewer than 2^32 files.
export const IV_LENGTH = 12
export const TAG_LENGTH = 16

const fileSchema = Type.Object(
  {
    format: Type.Literal(FORMAT),
    kind: Type.String(),
    name: Type.String(),
    kek: Type.String({ pattern: '^[0-9a-f]{16}$' }),
    iv: Type.String({ pattern: '^[0-9a-f]{24}$' }),
    ciphertext: Type.String({ pattern: '^([0-9a-f]{2}){1,1024}$' }),
    tag: Type.String({ pattern: '^[0-9a-f]{32}$' }),
  },
  { additionalProperties: false },
)

/** Tells one key-encryption key from another without saying anything about it. */
export const kekFingerprint = (kek: Buffer): string =>
  createHmac('sha256', kek).update('tallycell kek fingerprint').digest('hex').slice(0, 16)

/** What is authenticated with the ciphertext. */
export const associatedData = ({ kind, name }: Pick<Envelope, 'kind' | 'name'>): Buffer =>
  Buffer.from(`${FORMAT} ${kind} ${name}`)

/** AES-256-GCM under a key-encryption key: `tag` of 16 octets, `iv` of 12. */
export interface Sealed {
  /** Fingerprint of the key-encryption key. */
  readonly kek: string
  readonly iv: Buffer
  readonly ciphertext: Buffer
  readonly tag: Buffer
}

export function encodeEnvelope({ kind, name }: Pick<Envelope, 'kind' | 'name'>, sealed: Sealed): Buffer {
  const file = {
    format: FORMAT,
    kind,
    name,
    kek: sealed.kek,
    iv: sealed.iv.toString('hex'),
    ciphertext: sealed.ciphertext.toString('hex'),
    tag: sealed.tag.toString('hex'),
  }
  return Buffer.from(`${JSON.stringify(file)}\n`)
}

/**
 * The inverse of `encodeEnvelope`, for the keys whose fingerprints are `keks`; `kekFile`: what to call them. Throws KEY_FILE_DAMAGED or
 * KEY_KEK_WRONG.
 */
export function decodeEnvelope(envelope: Omit<Envelope, 'kek'>, stored: Buffer, keks: readonly string[]): Sealed {
  const { file, kekFile } = envelope
  // The last octet written is the line end: without it the file was cut short.
  if (stored.at(-1) !== 0x0a) return fail('KEY_FILE_DAMAGED', { file, reason: 'it is cut short' })
  const parsed = parse(stored)
  if (!Value.Check(fileSchema, parsed))
    return fail('KEY_FILE_DAMAGED', { file, reason: `it is not of the form ${FORMAT}` })
  if (!keks.includes(parsed.kek)) return fail('KEY_KEK_WRONG', { file, kekFile })
  if (parsed.kind !== envelope.kind || parsed.name !== envelope.name)
    return fail('KEY_FILE_DAMAGED', { file, reason: `it holds the ${parsed.kind} '${parsed.name}'` })
  return {
    kek: parsed.kek,
    iv: Buffer.from(parsed.iv, 'hex'),
    ciphertext: Buffer.from(parsed.ciphertext, 'hex'),
    tag: Buffer.from(parsed.tag, 'hex'),
  }
}

/** The file's octets for `plain`. */
export function sealEnvelope(envelope: Envelope, plain: Buffer): Buffer {
  const iv = randomBytes(IV_LENGTH)
  const cipher = createCipheriv('aes-256-gcm', envelope.kek, iv, { authTagLength: TAG_LENGTH }).setAAD(
    associatedData(envelope),
  )
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()])
  return encodeEnvelope(envelope, { kek: kekFingerprint(envelope.kek), iv, ciphertext, tag: cipher.getAuthTag() })
}

/** The inverse of `sealEnvelope`. Throws KEY_FILE_DAMAGED or KEY_KEK_WRONG. */
export function openEnvelope(envelope: Envelope, stored: Buffer): Buffer {
  const { file, kek } = envelope
  const { iv, ciphertext, tag } = decodeEnvelope(envelope, stored, [kekFingerprint(kek)])
  const decipher = createDecipheriv('aes-256-gcm', kek, iv, { authTagLength: TAG_LENGTH })
  decipher.setAAD(associatedData(envelope)).setAuthTag(tag)
  const head = decipher.update(ciphertext)
  try {
    return Buffer.concat([head, decipher.final()])
  } catch {
    return fail('KEY_FILE_DAMAGED', { file, reason: 'its seal is broken' })
  }
}

/** Fingerprint of the key that `stored` is sealed under; undefined when it is none of our envelopes. */
export function sealedUnder(stored: Buffer): string | undefined {
  const parsed = parse(stored)
  return Value.Check(fileSchema, parsed) ? parsed.kek : undefined
}

function parse(stored: Buffer): unknown {
  try {
    return JSON.parse(stored.toString('utf8'))
  } catch {
    return undefined
  }
}
