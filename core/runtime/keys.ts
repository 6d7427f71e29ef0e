// Signing keys and secrets at rest: one file each, encrypted under one key-encryption key that can live elsewhere.
import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto'
import { join } from 'node:path'
import { Type } from 'typebox'
import type { Config, Section } from '../config/section.ts'
import { fail } from '../kernel/errors.ts'
import { type Envelope, type EnvelopeKind, openEnvelope, sealEnvelope } from './envelope.ts'
import { createOnce, readKek, readPrivate, secureFolder } from './key-files.ts'

/** An Ed25519 key (RFC 8032). The private part never leaves it. */
export interface SigningKey {
  readonly name: string
  /** 32 octets. */
  readonly publicKey: Uint8Array
  /** 64 octets. */
  sign(message: Uint8Array): Uint8Array
}

/** Names are 1 to 64 of a-z, 0-9, '-', starting with a letter or digit. Two processes that make a name at once get the same key. */
export interface KeyStore {
  /** The key `name`, made and stored encrypted on first use. */
  signingKey(name: string): Promise<SigningKey>
  /** The random secret `name` of `length` octets (16 to 1024), made and stored encrypted on first use; a copy each time. */
  secret(name: string, length: number): Promise<Uint8Array>
}

export const keysSection = {
  key: 'keys',
  schema: Type.Object({
    directory: Type.String({
      minLength: 1,
      default: 'keys',
      description: 'Folder of the encrypted keys, mode 0700. A relative path starts at dataDir.',
    }),
    kekFile: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'File of exactly 32 random octets under which all keys are encrypted, for instance one that systemd LoadCredential= supplies. ' +
          'Left out, the file kek in the key folder is used, and made on first use.',
      }),
    ),
  }),
} satisfies Section

export interface KeyStoreOptions {
  /** Made with mode 0700 on first use. */
  readonly directory: string
  /** Must exist if given; `<directory>/kek` is used, and made, if not. */
  readonly kekFile?: string | undefined
}

/** The key store that the configuration names. */
export function configuredKeyStore(config: Config): KeyStore {
  const { directory, kekFile } = config.get(keysSection)
  return createKeyStore({
    directory: join(config.dataDir, directory),
    kekFile: kekFile === undefined ? undefined : config.resolvePath(kekFile),
  })
}

const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/
const SEED_LENGTH = 32
const SECRET_MIN = 16
const SECRET_MAX = 1024
const SUFFIX = { ed25519: 'key', secret: 'secret' } as const satisfies Record<EnvelopeKind, string>

/** Opens nothing until a key is asked for. Every failure is a KEY_… error of the catalogue, without key material. */
export function createKeyStore({ directory, kekFile }: KeyStoreOptions): KeyStore {
  const kekPath = kekFile ?? join(directory, 'kek')
  const remember = createMemory()

  const kek = (): Promise<Buffer> =>
    remember('kek', async () => {
      await secureFolder(directory)
      return readKek({ path: kekPath, directory, supplied: kekFile !== undefined })
    })

  /** The stored octets of `name`, or `length` random ones that are stored now. */
  const octets = async (kind: EnvelopeKind, name: string, length: number): Promise<Buffer> => {
    if (!NAME.test(name))
      fail('ID_INVALID', {
        what: 'key name',
        expected: "1 to 64 of a-z, 0-9, '-', starting with a letter or digit",
        came: name,
      })
    const file = join(directory, `${name}.${SUFFIX[kind]}`)
    const envelope: Envelope = { kind, name, file, kekFile: kekPath, kek: await kek() }
    const make = (): Buffer => sealEnvelope(envelope, randomBytes(length))
    const stored = (await readPrivate(file)) ?? (await createOnce(file, make))
    const plain = openEnvelope(envelope, stored)
    if (plain.length !== length)
      fail('KEY_FILE_DAMAGED', { file, reason: `it holds ${plain.length} octets, and ${length} are expected` })
    return plain
  }

  return {
    signingKey: (name) =>
      remember(`ed25519 ${name}`, async () => signingKey(name, await octets('ed25519', name, SEED_LENGTH))),
    async secret(name, length) {
      if (!Number.isInteger(length) || length < SECRET_MIN || length > SECRET_MAX)
        throw new RangeError(`a secret has ${SECRET_MIN} to ${SECRET_MAX} octets, not ${length}`)
      return new Uint8Array(await remember(`secret ${name} ${length}`, () => octets('secret', name, length)))
    },
  }
}

/** Each thing is made once; a failure is forgotten, so that it can be mended and tried again. */
function createMemory(): <Value>(key: string, make: () => Promise<Value>) => Promise<Value> {
  const made = new Map<string, Promise<unknown>>()
  return <Value>(key: string, make: () => Promise<Value>) => {
    const known = made.get(key)
    if (known) return known as Promise<Value>
    const value = make()
    made.set(key, value)
    value.catch(() => made.delete(key))
    return value
  }
}

// RFC 8410: the PKCS #8 header of an Ed25519 private key, before its 32 octets.
const PKCS8_HEADER = Buffer.from('302e020100300506032b657004220420', 'hex')
// RFC 8410: the SubjectPublicKeyInfo header before the 32 octets of the public key.
const SPKI_HEADER_LENGTH = 12

// node:crypto signs about 20 times as fast as a JavaScript implementation, and takes the same seed.
function signingKey(name: string, seed: Buffer): SigningKey {
  const privateKey: KeyObject = createPrivateKey({
    key: Buffer.concat([PKCS8_HEADER, seed]),
    format: 'der',
    type: 'pkcs8',
  })
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  return {
    name,
    publicKey: new Uint8Array(spki.subarray(SPKI_HEADER_LENGTH)),
    sign: (message) => new Uint8Array(sign(null, message, privateKey)),
  }
}
