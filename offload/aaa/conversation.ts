// An EAP conversation between two of its packets, as it lies sealed in the State attribute (RFC 2865 §5.24): no node remembers it, so any
// node goes on with it. A State opens for the client that it was given to only, and for a minute.
import { packFields, unpackFields } from './fields.ts'
import type { Sealer } from './seal.ts'

/** What the next response should be. */
export const STAGE = {
  identity: 1,
  challenge: 2,
  reauthentication: 3,
  /** A notification of success, after which access is granted (RFC 4187 §6.2). */
  success: 4,
  /** A notification of failure, after which it is not. */
  failure: 5,
  tls: 6,
} as const
export type Stage = (typeof STAGE)[keyof typeof STAGE]

export interface Conversation {
  readonly stage: Stage
  /** EAP type. */
  readonly type: number
  /** Identifier of the request that the response has to repeat. */
  readonly identifier: number
  /** Requests of this stage so far. */
  readonly tries: number
  /** Methods that the peer has declined. */
  readonly declined: number
  /** When the conversation began, milliseconds. */
  readonly began: bigint
  /** Names the conversation: 8 octets. */
  readonly reference: Uint8Array
  /** What the stage needs, in an order of its own. */
  readonly fields: readonly Uint8Array[]
}

export interface States {
  /** The octets of a State. Throws a RangeError when the fields do not fit its 253 octets. */
  seal(conversation: Conversation, client: string): Uint8Array
  /** Undefined for a State that is not ours, was changed, was given to another client or is too old. */
  open(state: Uint8Array, client: string, now: bigint): Conversation | undefined
}

const MAX_STATE = 253
const HEAD = 19
/** Longest conversation, milliseconds; a person may have to type a PIN. */
const LIFETIME = 60_000n

export function createStates(sealer: Sealer): States {
  return {
    seal({ stage, type, identifier, tries, declined, began, reference, fields }, client) {
      const head = Buffer.alloc(HEAD)
      head.set([stage, type, identifier, tries, declined])
      head.writeUIntBE(Number(began), 5, 6)
      head.set(reference, 11)
      const sealed = sealer.seal('state', Buffer.concat([head, packFields(fields)]), began, client)
      if (sealed.length > MAX_STATE) throw new RangeError(`a State of ${sealed.length} octets`)
      return sealed
    },
    open(state, client, now) {
      const plain = sealer.open('state', state, now, 1, client)
      if (plain === undefined || plain.length < HEAD) return undefined
      const head = Buffer.from(plain.buffer, plain.byteOffset, HEAD)
      const began = BigInt(head.readUIntBE(5, 6))
      const fields = unpackFields(plain, HEAD)
      if (fields === undefined || now - began > LIFETIME) return undefined
      const [stage, type, identifier, tries, declined] = head
      return {
        stage: stage as Stage,
        type: type as number,
        identifier: identifier as number,
        tries: tries as number,
        declined: declined as number,
        began,
        reference: head.subarray(11, HEAD),
        fields,
      }
    },
  }
}
