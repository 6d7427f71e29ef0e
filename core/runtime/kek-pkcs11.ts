// The key-encryption key in a security module that speaks PKCS #11 (OASIS, v2.40 and later): it is made there, encrypts there, and never
// leaves. The package that talks to the module is optional: it is native code, and most installations have no such module.
import { createHash, randomBytes } from 'node:crypto'
import type * as Pkcs11 from 'pkcs11js'
import { fail, isTallycellError } from '../kernel/errors.ts'
import {
  associatedData,
  decodeEnvelope,
  encodeEnvelope,
  IV_LENGTH,
  kekFingerprint,
  openEnvelope,
  sealedUnder,
  TAG_LENGTH,
} from './envelope.ts'
import type { Kek } from './kek.ts'
import { readKek, readSupplied } from './key-files.ts'

export interface Pkcs11Options {
  /** Path of the module's library. */
  readonly module: string
  /** Labels (CKA_LABEL) of the token, and of the AES-256 keys in it. */
  readonly token: string
  readonly key: string
  readonly previousKey?: string | undefined
  readonly pinFile: string | undefined
}

interface ModuleKey {
  readonly handle: Pkcs11.Handle
  readonly fingerprint: string
}

/** A session with the token, logged in. */
interface Session {
  readonly lib: typeof Pkcs11
  readonly module: Pkcs11.PKCS11
  readonly handle: Pkcs11.Handle
  readonly key: ModuleKey
  readonly previous: ModuleKey | undefined
}

/**
 * Opens the session on first use, and once more when the module has lost it. `previousKekFile` opens what was sealed before the module came.
 * Throws KEY_PKCS11_MISSING, KEY_PKCS11_UNUSABLE, KEY_KEK_WRONG, KEY_FILE_DAMAGED.
 */
export function createPkcs11Kek(options: Pkcs11Options, previousKekFile: string | undefined): Kek {
  let opened: Promise<Session> | undefined
  const use = async <Result>(work: (session: Session) => Result): Promise<Result> => {
    for (let attempt = 1; ; attempt++) {
      opened ??= openSession(options).catch((error) => {
        opened = undefined
        throw error
      })
      const session = await opened
      try {
        return work(session)
      } catch (error) {
        if (isTallycellError(error)) throw error
        opened = undefined
        if (attempt === 2) unusable(options, error)
      }
    }
  }
  const whatItIs = `the key ${options.key} of the token ${options.token}`

  return {
    seal: (kind, name, plain) =>
      use((session) => {
        const iv = randomBytes(IV_LENGTH)
        const out = encrypt(session, session.key.handle, iv, associatedData({ kind, name }), Buffer.from(plain))
        const sealed = {
          kek: session.key.fingerprint,
          iv,
          ciphertext: out.subarray(0, -TAG_LENGTH),
          tag: out.subarray(-TAG_LENGTH),
        }
        return encodeEnvelope({ kind, name }, sealed)
      }),
    async open(kind, name, sealed, where) {
      const stored = Buffer.from(sealed)
      const envelope = { kind, name, file: where, kekFile: whatItIs }
      const file =
        previousKekFile === undefined
          ? undefined
          : await readKek({ path: previousKekFile, directory: '', supplied: true })
      if (file !== undefined && sealedUnder(stored) === kekFingerprint(file))
        return openEnvelope({ ...envelope, kek: file }, stored)
      return use((session) => {
        const keys = session.previous === undefined ? [session.key] : [session.key, session.previous]
        const found = decodeEnvelope(
          envelope,
          stored,
          keys.map(({ fingerprint }) => fingerprint),
        )
        const { handle } = keys.find(({ fingerprint }) => fingerprint === found.kek) ?? session.key
        return decrypt(
          session,
          handle,
          found.iv,
          associatedData({ kind, name }),
          Buffer.concat([found.ciphertext, found.tag]),
          where,
        )
      })
    },
    isCurrent: (sealed) => use(({ key }) => sealedUnder(Buffer.from(sealed)) === key.fingerprint),
  }
}

const unusable = ({ module }: Pkcs11Options, error: unknown): never =>
  fail('KEY_PKCS11_UNUSABLE', { module, reason: error instanceof Error ? error.message : String(error) }, error)

async function load(): Promise<typeof Pkcs11> {
  try {
    const found = await import('pkcs11js')
    return found.default ?? found
  } catch (error) {
    return fail(
      'KEY_PKCS11_MISSING',
      { reason: error instanceof Error ? (error.message.split('\n')[0] ?? '') : '' },
      error,
    )
  }
}

async function openSession(options: Pkcs11Options): Promise<Session> {
  const { pinFile } = options
  if (pinFile === undefined) return unusable(options, new Error('keys.pkcs11.pinFile is not set'))
  const pin = (await readSupplied(pinFile)) ?? unusable(options, new Error(`there is no file ${pinFile} with its PIN`))
  const lib = await load()
  const module = new lib.PKCS11()
  try {
    module.load(options.module)
    initialize(lib, module)
    const handle = module.C_OpenSession(findSlot(module, options), lib.CKF_SERIAL_SESSION)
    logIn(lib, module, handle, pin.toString('utf8').replace(/\r?\n$/, ''))
    const session = { lib, module, handle }
    const key = (label: string) => findKey(session, label, options)
    return {
      ...session,
      key: key(options.key),
      previous: options.previousKey === undefined ? undefined : key(options.previousKey),
    }
  } catch (error) {
    if (isTallycellError(error)) throw error
    return unusable(options, error)
  } finally {
    pin.fill(0)
  }
}

const codeOf = (error: unknown): number | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined

/** A process has one session of the library, and a token one login, whoever made them. */
function initialize(lib: typeof Pkcs11, module: Pkcs11.PKCS11): void {
  try {
    module.C_Initialize()
  } catch (error) {
    if (codeOf(error) !== lib.CKR_CRYPTOKI_ALREADY_INITIALIZED) throw error
  }
}

function logIn(lib: typeof Pkcs11, module: Pkcs11.PKCS11, session: Pkcs11.Handle, pin: string): void {
  try {
    module.C_Login(session, lib.CKU_USER, pin)
  } catch (error) {
    if (codeOf(error) !== lib.CKR_USER_ALREADY_LOGGED_IN) throw error
  }
}

function findSlot(module: Pkcs11.PKCS11, options: Pkcs11Options): Pkcs11.Handle {
  const slot = module.C_GetSlotList(true).find((each) => module.C_GetTokenInfo(each).label.trim() === options.token)
  return slot ?? unusable(options, new Error(`it has no token with the label ${options.token}`))
}

type Parts = Pick<Session, 'lib' | 'module' | 'handle'>

function findKey({ lib, module, handle }: Parts, label: string, options: Pkcs11Options): ModuleKey {
  module.C_FindObjectsInit(handle, [
    { type: lib.CKA_CLASS, value: lib.CKO_SECRET_KEY },
    { type: lib.CKA_KEY_TYPE, value: lib.CKK_AES },
    { type: lib.CKA_LABEL, value: label },
  ])
  const found = module.C_FindObjects(handle, 2)
  module.C_FindObjectsFinal(handle)
  const [key] = found
  if (key === undefined || found.length > 1)
    return unusable(
      options,
      new Error(`${found.length > 1 ? 'several keys have' : 'no AES key has'} the label ${label}`),
    )
  const [sensitive] = module.C_GetAttributeValue(handle, key, [{ type: lib.CKA_SENSITIVE }])
  if (Buffer.from(sensitive?.value as Buffer)[0] !== 1)
    return unusable(
      options,
      new Error(`the key ${label} can be read from it: make one that is sensitive (CKA_SENSITIVE)`),
    )
  return { handle: key, fingerprint: fingerprint({ lib, module, handle }, key) }
}

const FINGERPRINTED = Buffer.from('tallycell kek fingerprint')

/**
 * Tells one key from another without saying anything about it. The IV of zeros serves this one text only: 96 random bits, which all other IVs
 * are, do not meet it.
 */
const fingerprint = (parts: Parts, key: Pkcs11.Handle): string =>
  createHash('sha256')
    .update(encrypt(parts, key, Buffer.alloc(IV_LENGTH), Buffer.alloc(0), FINGERPRINTED))
    .digest('hex')
    .slice(0, 16)

const mechanism = ({ lib }: Parts, iv: Buffer, aad: Buffer): Pkcs11.Mechanism => ({
  mechanism: lib.CKM_AES_GCM,
  parameter: {
    type: lib.CK_PARAMS_AES_GCM_v240,
    iv,
    aad,
    ivBits: iv.length * 8,
    tagBits: TAG_LENGTH * 8,
  } as Pkcs11.AesGCM,
})

/** Ciphertext and tag. */
function encrypt(parts: Parts, key: Pkcs11.Handle, iv: Buffer, aad: Buffer, plain: Buffer): Buffer {
  const { module, handle } = parts
  module.C_EncryptInit(handle, mechanism(parts, iv, aad), key)
  return module.C_Encrypt(handle, plain, Buffer.alloc(plain.length + TAG_LENGTH))
}

function decrypt(parts: Parts, key: Pkcs11.Handle, iv: Buffer, aad: Buffer, sealed: Buffer, file: string): Buffer {
  const { lib, module, handle } = parts
  module.C_DecryptInit(handle, mechanism(parts, iv, aad), key)
  try {
    return module.C_Decrypt(handle, sealed, Buffer.alloc(sealed.length))
  } catch (error) {
    const damaged: (number | undefined)[] = [lib.CKR_ENCRYPTED_DATA_INVALID, lib.CKR_GENERAL_ERROR]
    if (damaged.includes(codeOf(error))) return fail('KEY_FILE_DAMAGED', { file, reason: 'its seal is broken' })
    throw error
  }
}
