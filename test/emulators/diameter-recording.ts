// The recorded messages of test/vectors/diameter.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isFault } from '../../core/wire/diameter/fault.ts'
import { decode, type Message } from '../../core/wire/diameter/message.ts'

export interface Recorded {
  /** Frame of the capture. */
  readonly frame: number
  /** `address:port` */
  readonly from: string
  readonly to: string
  readonly octets: Uint8Array
}

const FOLDER = join(import.meta.dirname, '../vectors/diameter')

/** Names of all recordings. */
export const recordings = (): string[] =>
  readdirSync(FOLDER)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .sort()

/** All messages of one recording, in order. */
export function recorded(name: string): Recorded[] {
  const { messages } = JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8')) as {
    messages: (Omit<Recorded, 'octets'> & { octets: string })[]
  }
  return messages.map((message) => ({ ...message, octets: Buffer.from(message.octets, 'hex') }))
}

/** Decodes what must be a message. */
export function message(octets: Uint8Array): Message {
  const decoded = decode(octets)
  if (isFault(decoded))
    throw new RangeError(`${decoded.fault} at ${decoded.offset}: ${Buffer.from(octets).toString('hex')}`)
  return decoded
}
