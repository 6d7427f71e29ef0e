// Signatures of deliveries, as the Standard Webhooks specification (version 1.0) has them: partners check them with any of its libraries.
import { createHmac, randomBytes } from 'node:crypto'

const PREFIX = 'whsec_'

/** 256 random bits, as partners get them. */
export const newWebhookSecret = (): string => PREFIX + randomBytes(32).toString('base64')

export interface Signed {
  /** The same for every attempt: receivers know by it what they have had. */
  readonly id: string
  /** Seconds since 1970: receivers refuse what is old. */
  readonly timestamp: number
  readonly body: string
}

/** Value of `webhook-signature`. */
export function signWebhook(secret: string, { id, timestamp, body }: Signed): string {
  const key = Buffer.from(secret.slice(PREFIX.length), 'base64')
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
}
