// Files with secrets in them: written whole, readable by their owner only.
import { type FileHandle, open, rm } from 'node:fs/promises'
import { fail } from '../../core/kernel/errors.ts'

/** Writes a file that is not there yet, or with `force` any. Throws FILE_UNWRITABLE and leaves no half-written file. */
export async function writeNewFile(file: string, content: string | Uint8Array, force: boolean): Promise<void> {
  let handle: FileHandle | undefined
  try {
    handle = await open(file, force ? 'w' : 'wx', 0o600)
    // One that was there keeps its mode otherwise.
    await handle.chmod(0o600)
    await handle.writeFile(content)
  } catch (error) {
    if (handle) await rm(file, { force: true })
    return fail('FILE_UNWRITABLE', { file, reason: error instanceof Error ? error.message : String(error) }, error)
  } finally {
    await handle?.close()
  }
}
