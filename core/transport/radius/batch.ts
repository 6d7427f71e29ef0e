// What passes between the threads: many requests in one transferred buffer, many verdicts in another. Structured cloning of an object per
// request would cost more than the request.
import { type Millis, millis } from '../../kernel/units.ts'

/** What the program says of a request: answer it, or stay silent and let it come again (RFC 2866 §4.1). */
export type Verdict = 'accept' | 'ignore'

/** A verdict on its way to the thread; `failed`: handling threw. */
export const VERDICT = { ignore: 0, accept: 1, failed: 2 } as const

/** A request as it lies in a batch. */
export interface BatchItem {
  /** The datagram, a view of the batch. */
  readonly datagram: Uint8Array
  /** Index of the client. */
  readonly client: number
  readonly address: string
  readonly port: number
  readonly received: Millis
}

/** Batch number and number of requests. */
const HEADER = 8
/** Octets of datagram (2), client (2), port (2), octets of address (1), unused (1), time of receipt (8). */
const ITEM = 16
const MAX_ITEM = ITEM + 64 + 4096
const MAX_OCTETS = 256 * 1024

export interface BatchWriter {
  add(datagram: Uint8Array, client: number, address: string, port: number, received: number): void
  readonly count: () => number
  /** No further request is sure to fit. */
  readonly full: () => boolean
  /** The requests added since the last `take`, in a buffer of their own. */
  take(number: number): ArrayBuffer
}

/** `most`: requests in one batch. */
export function createBatchWriter(most: number): BatchWriter {
  const draft = Buffer.alloc(MAX_OCTETS)
  let at = HEADER
  let count = 0
  return {
    add(datagram, client, address, port, received) {
      draft.writeUInt16LE(datagram.length, at)
      draft.writeUInt16LE(client, at + 2)
      draft.writeUInt16LE(port, at + 4)
      draft[at + 6] = address.length
      draft.writeDoubleLE(received, at + 8)
      at += ITEM
      for (let index = 0; index < address.length; index++) draft[at + index] = address.charCodeAt(index)
      at += address.length
      draft.set(datagram, at)
      at += datagram.length
      count++
    },
    count: () => count,
    full: () => count >= most || at + MAX_ITEM > MAX_OCTETS,
    take(number) {
      draft.writeUInt32LE(number, 0)
      draft.writeUInt32LE(count, 4)
      const batch = new ArrayBuffer(at)
      new Uint8Array(batch).set(draft.subarray(0, at))
      at = HEADER
      count = 0
      return batch
    },
  }
}

/** The batch's number and its requests. */
export function readBatch(batch: ArrayBuffer): { number: number; items: BatchItem[] } {
  const bytes = Buffer.from(batch)
  const count = bytes.readUInt32LE(4)
  const items: BatchItem[] = []
  let at = HEADER
  let clock = Number.NaN
  let received = millis(0)
  for (let index = 0; index < count; index++) {
    const length = bytes.readUInt16LE(at)
    const from = at + ITEM
    const start = from + bytes.readUInt8(at + 6)
    const time = bytes.readDoubleLE(at + 8)
    if (time !== clock) {
      clock = time
      received = millis(time)
    }
    items.push({
      datagram: bytes.subarray(start, start + length),
      client: bytes.readUInt16LE(at + 2),
      address: bytes.toString('latin1', from, start),
      port: bytes.readUInt16LE(at + 4),
      received,
    })
    at = start + length
  }
  return { number: bytes.readUInt32LE(0), items }
}

/** Verdicts on batch `number`, in the order of its requests. */
export function writeVerdicts(number: number, verdicts: readonly number[]): ArrayBuffer {
  const buffer = new ArrayBuffer(4 + verdicts.length)
  new DataView(buffer).setUint32(0, number, true)
  new Uint8Array(buffer, 4).set(verdicts)
  return buffer
}

export function readVerdicts(buffer: ArrayBuffer): { number: number; verdicts: Uint8Array } {
  return { number: new DataView(buffer).getUint32(0, true), verdicts: new Uint8Array(buffer, 4) }
}
