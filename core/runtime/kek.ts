// The key-encryption key: what all other keys are sealed under. Kept in a file here; a security module or a cloud's key service is another
// implementation of the same port, and no key material of its own has to leave it.
import { join } from 'node:path'
import { type EnvelopeKind, kekFingerprint, openEnvelope, sealEnvelope, sealedUnder } from './envelope.ts'
import { readKek, secureFolder } from './key-files.ts'

export interface Kek {
  /** Seals `plain`, 1 to 1,024 octets. Kind and name are bound to it: nothing opens in another's place. */
  seal(kind: EnvelopeKind, name: string, plain: Uint8Array): Promise<Uint8Array>
  /** The inverse of `seal`. `where`: for messages. Throws KEY_FILE_DAMAGED or KEY_KEK_WRONG. */
  open(kind: EnvelopeKind, name: string, sealed: Uint8Array, where: string): Promise<Uint8Array>
  /** False when it was sealed under a key that only opens by now, and should be sealed again. */
  isCurrent(sealed: Uint8Array): Promise<boolean>
}

export interface FileKekOptions {
  /** Folder of the keys sealed under it, made with mode 0700. */
  readonly directory: string
  /** Must exist if given; `<directory>/kek` is used, and made, if not. */
  readonly kekFile?: string | undefined
  /** The one before, which opens what has not been sealed again yet. */
  readonly previousKekFile?: string | undefined
}

/** Reads the files on first use; a failure is forgotten, so that it can be mended and tried again. */
export function createFileKek({ directory, kekFile, previousKekFile }: FileKekOptions): Kek {
  const path = kekFile ?? join(directory, 'kek')
  const current = retried(async () => {
    await secureFolder(directory)
    return readKek({ path, directory, supplied: kekFile !== undefined })
  })
  const previous = retried(async () =>
    previousKekFile === undefined ? undefined : readKek({ path: previousKekFile, directory, supplied: true }),
  )
  return {
    async seal(kind, name, plain) {
      return sealEnvelope({ kind, name, kek: await current(), file: '', kekFile: path }, Buffer.from(plain))
    },
    async open(kind, name, sealed, where) {
      const old = await previous()
      const stored = Buffer.from(sealed)
      const under = old !== undefined && sealedUnder(stored) === kekFingerprint(old) ? old : await current()
      return openEnvelope({ kind, name, kek: under, file: where, kekFile: path }, stored)
    },
    async isCurrent(sealed) {
      return sealedUnder(Buffer.from(sealed)) === kekFingerprint(await current())
    },
  }
}

function retried<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined
  return () => {
    made ??= make().catch((error) => {
      made = undefined
      throw error
    })
    return made
  }
}
