// Class (RFC 2865 §5.25): what an access point puts into the accounting of a session that we let in. It names the subscriber for us, and tells
// nobody else anything; every session has another.
import type { SubscriberId } from '../../core/kernel/ids.ts'
import { packFields, unpackFields } from './fields.ts'
import type { Sealer } from './seal.ts'

export interface AccessClass {
  readonly reference: Uint8Array
  readonly subscriber: SubscriberId
}

export interface Classes {
  seal(access: AccessClass, now: bigint): Uint8Array
  /** Undefined for a Class that is not ours, or too old. */
  open(octets: Uint8Array, now: bigint): AccessClass | undefined
}

/** Longest session that is still accounted for by its Class. */
const DAYS = 60
/** Classes opened lately: every report of a session carries its own again. */
const REMEMBERED = 50_000

export function createClasses(sealer: Sealer): Classes {
  const remembered = new Map<string, AccessClass>()
  return {
    seal: ({ reference, subscriber }, now) =>
      sealer.seal('class', packFields([reference, Buffer.from(subscriber)]), now),
    open(octets, now) {
      const name = Buffer.from(octets).toString('latin1')
      const known = remembered.get(name)
      if (known !== undefined) return known
      const plain = sealer.open('class', octets, now, DAYS)
      const [reference, subscriber] = (plain && unpackFields(plain)) ?? []
      if (reference === undefined || subscriber === undefined) return undefined
      const opened = { reference, subscriber: Buffer.from(subscriber).toString() as SubscriberId }
      if (remembered.size >= REMEMBERED) remembered.clear()
      remembered.set(name, opened)
      return opened
    },
  }
}
