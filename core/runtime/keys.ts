// Signing keys and secrets at rest: one file each, encrypted under one key-encryption key that can live elsewhere.
import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Type } from 'typebox'
import type { Config, Section } from '../config/section.ts'
import { fail } from '../kernel/errors.ts'
import type { EnvelopeKind } from './envelope.ts'
import { createFileKek, type FileKekOptions, type Kek } from './kek.ts'
import { createPkcs11Kek, type Pkcs11Options } from './kek-pkcs11.ts'
import { createOnce, readPrivate, replacePrivate, secureFolder } from './key-files.ts'

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

/** A key store that can also be asked for what it seals with. */
export interface SealedKeyStore extends KeyStore {
  /** What the keys are sealed under, for those that are kept elsewhere. */
  readonly kek: Kek
  /** Seals again what an earlier key-encryption key sealed; resolves with the number of keys. Can be broken off and repeated. */
  rewrap(): Promise<number>
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
    previousKekFile: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'While the key-encryption key is being replaced: the file of the old one. It still opens keys; `tallycell key rewrap` seals them under the new one.',
      }),
    ),
    pkcs11: Type.Object(
      {
        module: Type.Optional(
          Type.String({
            minLength: 1,
            description:
              'Library of a security module (PKCS #11), such as /usr/lib/softhsm/libsofthsm2.so. With it the key-encryption key stays in the module; kekFile is not read. Needs the package pkcs11js.',
          }),
        ),
        token: Type.String({ minLength: 1, default: 'tallycell', description: 'Label of the token in the module.' }),
        key: Type.String({
          minLength: 1,
          default: 'kek',
          description: 'Label of an AES key of 256 bits in it that never leaves it and may encrypt and decrypt.',
        }),
        previousKey: Type.Optional(
          Type.String({
            minLength: 1,
            description: 'While the key is being replaced: label of the old one, which still opens.',
          }),
        ),
        pinFile: Type.Optional(
          Type.String({
            minLength: 1,
            description: 'File that holds the PIN of the token, alone. Required with module.',
          }),
        ),
      },
      { description: 'A hardware security module, or a key service that has a PKCS #11 library.' },
    ),
  }),
} satisfies Section

export interface KeyStoreOptions extends FileKekOptions {
  /** Where the key-encryption key is in a security module; `previousKekFile` may still open what was sealed before. */
  readonly pkcs11?: Pkcs11Options | undefined
}

/** The key store that the configuration names. */
export function configuredKeyStore(config: Config): SealedKeyStore {
  const { directory, kekFile, previousKekFile, pkcs11 } = config.get(keysSection)
  const path = (file: string | undefined) => (file === undefined ? undefined : config.resolvePath(file))
  const { module, pinFile, token, key, previousKey } = pkcs11
  return createKeyStore({
    directory: join(config.dataDir, directory),
    kekFile: path(kekFile),
    previousKekFile: path(previousKekFile),
    pkcs11: module === undefined ? undefined : { module, token, key, previousKey, pinFile: path(pinFile) },
  })
}

const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/
const SEED_LENGTH = 32
const SECRET_MIN = 16
const SECRET_MAX = 1024
const SUFFIX = { ed25519: 'key', secret: 'secret' } as const
const KEY_FILE = /^([a-z0-9][a-z0-9-]{0,63})\.(key|secret)$/

/** Opens nothing until a key is asked for. Every failure is a KEY_… error of the catalogue, without key material. */
export function createKeyStore(options: KeyStoreOptions): SealedKeyStore {
  const { directory } = options
  const kek =
    options.pkcs11 === undefined ? createFileKek(options) : createPkcs11Kek(options.pkcs11, options.previousKekFile)
  const remember = createMemory()

  /** The stored octets of `name`, or `length` random ones that are stored now. */
  const octets = async (kind: keyof typeof SUFFIX, name: string, length: number): Promise<Buffer> => {
    if (!NAME.test(name))
      fail('ID_INVALID', {
        what: 'key name',
        expected: "1 to 64 of a-z, 0-9, '-', starting with a letter or digit",
        came: name,
      })
    const file = join(directory, `${name}.${SUFFIX[kind]}`)
    await secureFolder(directory)
    const stored = (await readPrivate(file)) ?? (await create(kind, name, file, length))
    const plain = Buffer.from(await kek.open(kind, name, stored, file))
    if (plain.length !== length)
      fail('KEY_FILE_DAMAGED', { file, reason: `it holds ${plain.length} octets, and ${length} are expected` })
    return plain
  }

  const create = async (kind: EnvelopeKind, name: string, file: string, length: number): Promise<Buffer> => {
    const sealed = Buffer.from(await kek.seal(kind, name, randomBytes(length)))
    return createOnce(file, () => sealed)
  }

  return {
    kek,
    async rewrap() {
      await secureFolder(directory)
      let count = 0
      for (const entry of await readdir(directory)) {
        const [, name = '', suffix] = KEY_FILE.exec(entry) ?? []
        const file = join(directory, entry)
        const stored = suffix === undefined ? undefined : await readPrivate(file)
        if (stored === undefined || (await kek.isCurrent(stored))) continue
        const kind = suffix === SUFFIX.ed25519 ? 'ed25519' : 'secret'
        const plain = await kek.open(kind, name, stored, file)
        await replacePrivate(file, Buffer.from(await kek.seal(kind, name, plain)))
        count++
      }
      return count
    },
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
