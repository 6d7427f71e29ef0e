// Private files: read only where nobody else can, written whole or not at all, made once however many processes try.
import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { link, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fail } from '../kernel/errors.ts'

const KEK_LENGTH = 32
const MAX_OCTETS = 4096
const OTHERS = 0o077
// A credential that systemd or Kubernetes supplies is readable by the service's group (the group bits also show an ACL's mask).
const OTHERS_OF_CREDENTIAL = 0o027

/** Makes `folder` with mode 0700, or checks that nobody else can enter it. */
export async function secureFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const found = await stat(folder)
    if (!found.isDirectory()) fail('KEY_FOLDER_UNUSABLE', { folder, reason: 'it is not a folder' })
    refuseOpen(folder, found, OTHERS, 700)
  } catch (error) {
    if (isSystemError(error)) fail('KEY_FOLDER_UNUSABLE', { folder, reason: error.message }, error)
    throw error
  }
}

function refuseOpen(file: string, { mode }: Stats, forbidden: number, wanted: number): void {
  if ((mode & forbidden) !== 0)
    fail('KEY_PERMISSIONS_OPEN', { file, mode: (mode & 0o777).toString(8).padStart(4, '0'), wanted })
}

/** Octets of a private file; undefined when there is none. */
export async function readPrivate(file: string, forbidden = OTHERS): Promise<Buffer | undefined> {
  try {
    const handle = await open(file)
    try {
      const found = await handle.stat()
      if (!found.isFile()) fail('KEY_FILE_UNUSABLE', { file, reason: 'it is not a file' })
      refuseOpen(file, found, forbidden, 600)
      if (found.size > MAX_OCTETS) fail('KEY_FILE_UNUSABLE', { file, reason: `it has more than ${MAX_OCTETS} octets` })
      return await handle.readFile()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (!isSystemError(error)) throw error
    if (error.code === 'ENOENT') return undefined
    return fail('KEY_FILE_UNUSABLE', { file, reason: error.message }, error)
  }
}

/** Stores what `make` gives as `file`, unless another process was first; the octets that are stored, whoever made them. */
export async function createOnce(file: string, make: () => Buffer): Promise<Buffer> {
  const octets = make()
  const temporary = temporaryBeside(file)
  try {
    await writeWhole(temporary, octets)
    // Unlike rename, link never replaces what is there: the first process wins, and all others read its file.
    await link(temporary, file)
    await syncFolder(dirname(file))
    return octets
  } catch (error) {
    if (!isSystemError(error)) throw error
    const winner = error.code === 'EEXIST' ? await readPrivate(file) : undefined
    return winner ?? fail('KEY_FILE_UNUSABLE', { file, reason: error.message }, error)
  } finally {
    await unlink(temporary).catch(() => {})
  }
}

/** Puts `octets` in the place of what `file` holds: a reader sees the one or the other. */
export async function replacePrivate(file: string, octets: Buffer): Promise<void> {
  const temporary = temporaryBeside(file)
  try {
    await writeWhole(temporary, octets)
    await rename(temporary, file)
    await syncFolder(dirname(file))
  } catch (error) {
    await unlink(temporary).catch(() => {})
    if (!isSystemError(error)) throw error
    fail('KEY_FILE_UNUSABLE', { file, reason: error.message }, error)
  }
}

const temporaryBeside = (file: string): string =>
  join(dirname(file), `.${basename(file)}.${randomBytes(8).toString('hex')}.tmp`)

async function writeWhole(file: string, octets: Buffer): Promise<void> {
  const handle = await open(file, 'wx', 0o600)
  try {
    await handle.writeFile(octets)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** A new name is durable only when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** As `readPrivate`, of a file that an operator, systemd or Kubernetes supplies. */
export const readSupplied = (file: string): Promise<Buffer | undefined> => readPrivate(file, OTHERS_OF_CREDENTIAL)

export interface KekPlace {
  readonly path: string
  readonly directory: string
  /** True when an operator supplies the file: then it is never made here. */
  readonly supplied: boolean
}

/** The key-encryption key; made on first use unless it is supplied or keys exist that need the old one. */
export async function readKek({ path, directory, supplied }: KekPlace): Promise<Buffer> {
  const stored = await readPrivate(path, supplied ? OTHERS_OF_CREDENTIAL : OTHERS)
  if (!stored && (supplied || (await hasKeys(directory)))) {
    // Another process may have made the file, and a key with it, since we looked.
    const late = supplied ? undefined : await readPrivate(path)
    return checkKek(path, late ?? fail('KEY_KEK_MISSING', { file: path }))
  }
  return checkKek(path, stored ?? (await createOnce(path, () => randomBytes(KEK_LENGTH))))
}

function checkKek(file: string, kek: Buffer): Buffer {
  if (kek.length !== KEK_LENGTH) fail('KEY_KEK_INVALID', { file, came: kek.length })
  return kek
}

async function hasKeys(directory: string): Promise<boolean> {
  return (await readdir(directory)).some((name) => /^[a-z0-9].*\.(key|secret)$/.test(name))
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error
}
