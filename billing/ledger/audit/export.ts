// The audit trail as a file of JSON Lines that only grows: each export goes on behind the last whole line.
import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fail, isTallycellError } from '../../../core/kernel/errors.ts'
import type { Store } from '../../../core/store/store.ts'
import { auditLine, newestTransfer, resumeAfter, transfersAfter, transferWriters } from './store.ts'

export interface AuditExport {
  readonly file: string
  /** For a new file: the transfer behind which it begins. */
  readonly after: bigint | undefined
  readonly signal: AbortSignal
  /** Called with the id of the last transfer written, of the newest. */
  readonly progress?: (done: bigint, newest: bigint) => void
}

export interface AuditExported {
  readonly transfers: bigint
  /** Id of the last transfer in the file; 0 where there is none. */
  readonly last: bigint
  /** Ended by the signal: there may be more. */
  readonly stopped: boolean
}

const PAGE = 5000
/** Milliseconds between two looks at who still writes. */
const PATIENCE = 20
/** No line of ours is longer. */
const TAIL = 65_536

/** Appends all transfers that are not in the file yet. Rejects with FILE_UNWRITABLE or LEDGER_EXPORT_FOREIGN. */
export async function exportTransfers(store: Store, request: AuditExport): Promise<AuditExported> {
  const { file, after, signal, progress } = request
  let handle: FileHandle | undefined
  try {
    // Other people's balances stand in it.
    handle = await open(file, 'a+', 0o640)
    const resumed = await resume(handle, file)
    if (resumed !== undefined && after !== undefined)
      fail('LEDGER_EXPORT_FOREIGN', { file, reason: `it ends with transfer ${resumed}, and --after is for a new file` })
    let last = resumed ?? after ?? 0n
    const newest = await settledTransfer(store, signal)
    if (newest === undefined) return { transfers: 0n, last, stopped: true }
    if (last > newest)
      fail('LEDGER_EXPORT_FOREIGN', {
        file,
        reason: `it would begin behind transfer ${last}, and the newest is ${newest}`,
      })
    let transfers = 0n
    while (last < newest && !signal.aborted) {
      const behind = last
      const page = await store.batch((sql) => transfersAfter(sql, behind, PAGE))
      const rows = page.filter(({ transfer_id }) => transfer_id <= newest)
      if (rows.length === 0) break
      await handle.appendFile(rows.map(auditLine).join(''))
      transfers += BigInt(rows.length)
      last = rows.at(-1)?.transfer_id ?? last
      progress?.(last, newest)
    }
    await handle.sync()
    return { transfers, last, stopped: signal.aborted }
  } catch (error) {
    if (isTallycellError(error) || !(error instanceof Error) || !('syscall' in error)) throw error
    return fail('FILE_UNWRITABLE', { file, reason: error.message }, error)
  } finally {
    await handle?.close()
  }
}

/** The newest transfer below which none can appear any more: waits for the transactions that may have taken an id; undefined when aborted. */
async function settledTransfer(store: Store, signal: AbortSignal): Promise<bigint | undefined> {
  const newest = await store.batch(newestTransfer)
  let writers = await store.batch(transferWriters)
  while (writers.length > 0) {
    if (signal.aborted) return undefined
    await sleep(PATIENCE)
    const still = new Set(await store.batch(transferWriters))
    writers = writers.filter((writer) => still.has(writer))
  }
  return newest
}

/** Cuts off what an export that broke off has left of a line; resolves with the id on the last one, undefined in an empty file. */
async function resume(handle: FileHandle, file: string): Promise<bigint | undefined> {
  const { size } = await handle.stat()
  if (size === 0) return undefined
  const from = Math.max(0, size - TAIL)
  const tail = Buffer.alloc(size - from)
  await handle.read(tail, 0, tail.length, from)
  const end = tail.lastIndexOf(10)
  const begin = end < 1 ? -1 : tail.lastIndexOf(10, end - 1)
  if (end < 0 && from === 0 && tail[0] === 0x7b) {
    await handle.truncate(0)
    return undefined
  }
  try {
    const id = resumeAfter(tail.toString('utf8', begin + 1, end))
    if (end + 1 < tail.length) await handle.truncate(from + end + 1)
    return id
  } catch (error) {
    if (!(error instanceof SyntaxError) && !isTallycellError(error)) throw error
    return fail('LEDGER_EXPORT_FOREIGN', { file, reason: 'its last line is not one of a ledger export' }, error)
  }
}
