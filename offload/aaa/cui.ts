// Chargeable-User-Identity (RFC 4372): a name that a visited partner may bill by. The same for a subscriber as long as the partner is the
// same, another for each partner, and no way back to the subscriber without our key.
import { createHmac } from 'node:crypto'
import type { SubscriberId } from '../../core/kernel/ids.ts'

/** `partner`: Operator-Name (RFC 5580 §4.1) where the request has one, else the RADIUS client. */
export type CuiOf = (partner: string, subscriber: SubscriberId) => string

/** `secret`: 32 octets, the same on all nodes and for ever. */
export const createCui =
  (secret: Uint8Array): CuiOf =>
  (partner, subscriber) =>
    createHmac('sha256', secret)
      .update(`${partner.length}:${partner}${subscriber}`)
      .digest()
      .subarray(0, 24)
      .toString('base64url')
