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
const IV_LENGTH = 12
const TAG_LENGTH = 16

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

const associatedData = ({ kind, name }: Envelope): Buffer => Buffer.from(`${FORMAT} ${kind} ${name}`)

/** The file's octets for `plain`. */
export function sealEnvelope(envelope: Envelope, plain: Buffer): Buffer {
  const iv = randomBytes(IV_LENGTH)
  const cipher = createCipheriv('aes-256-gcm', envelope.kek, iv, { authTagLength: TAG_LENGTH }).setAAD(
    associatedData(envelope),
  )
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()])
  const file = {
    format: FORMAT,
    kind: envelope.kind,
    name: envelope.name,
    kek: kekFingerprint(envelope.kek),
    iv: iv.toString('hex'),
    ciphertext: ciphertext.toString('hex'),
    tag: cipher.getAuthTag().toString('hex'),
  }
  return Buffer.from(`${JSON.stringify(file)}\n`)
}

/** The inverse of `sealEnvelope`. Throws KEY_FILE_DAMAGED or KEY_KEK_WRONG. */
export function openEnvelope(envelope: Envelope, stored: Buffer): Buffer {
  const { file, kekFile, kek } = envelope
  const damaged = (reason: string): never => fail('KEY_FILE_DAMAGED', { file, reason })
  // The last octet written is the line end: without it the file was cut short.
  if (stored.at(-1) !== 0x0a) return damaged('it is cut short')
  const parsed = parse(stored)
  if (!Value.Check(fileSchema, parsed)) return damaged(`it is not of the form ${FORMAT}`)
  if (parsed.kek !== kekFingerprint(kek)) return fail('KEY_KEK_WRONG', { file, kekFile })
  if (parsed.kind !== envelope.kind || parsed.name !== envelope.name)
    return damaged(`it holds the ${parsed.kind} '${parsed.name}'`)
  const decipher = createDecipheriv('aes-256-gcm', kek, Buffer.from(parsed.iv, 'hex'), { authTagLength: TAG_LENGTH })
  decipher.setAAD(associatedData(envelope)).setAuthTag(Buffer.from(parsed.tag, 'hex'))
  const head = decipher.update(Buffer.from(parsed.ciphertext, 'hex'))
  try {
    return Buffer.concat([head, decipher.final()])
  } catch {
    return damaged('its seal is broken')
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
