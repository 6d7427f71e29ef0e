// An SMF that does not give up: what is not answered, or answered that nobody can, is sent again with the T flag (RFC 6733 §5.5.4), over a new
// connection where the old one is gone.
import { setTimeout as sleep } from 'node:timers/promises'
import { encode } from '../../core/wire/diameter/encode.ts'
import { FLAG, get, type Message } from '../../core/wire/diameter/message.ts'
import {
  ccrAvps,
  createGySmf,
  type GyReport,
  type GySession,
  type GySmf,
  type GySmfOptions,
  renumbered,
} from './gy-smf.ts'

export interface InsistentSmf {
  /** The answer, however often it has to be asked. */
  ccr(session: GySession, report: GyReport): Promise<Message>
  /** Requests that were sent again. */
  repeated(): number
  close(): void
}

/** How long an answer may take until it is asked for again, milliseconds. */
const PATIENCE = 3000
/** DIAMETER_UNABLE_TO_DELIVER, DIAMETER_TOO_BUSY. */
const LATER: readonly unknown[] = [3002, 3004]

export function createInsistentSmf(options: GySmfOptions): InsistentSmf {
  const origin = { identity: options.identity ?? 'smf.localdomain', realm: options.realm ?? 'localdomain' }
  let connection: Promise<GySmf> | undefined
  let ids = 0x100_0000
  let again = 0

  const attempt = async (octets: Uint8Array): Promise<Message | undefined> => {
    connection ??= createGySmf(options)
    const mine = connection
    const asked = mine.then((smf) => smf.raw(octets)).catch(() => undefined)
    const answer = await Promise.race([asked, sleep(PATIENCE, undefined, { ref: false })])
    // A connection that says nothing may have lost its peer without a word: the next attempt makes another.
    if (answer === undefined && connection === mine) {
      connection = undefined
      mine.then((smf) => smf.close()).catch(() => undefined)
    }
    return answer !== undefined && !LATER.includes(get(answer, 'Result-Code')) ? answer : undefined
  }

  return {
    async ccr(session, report) {
      const endToEnd = ++ids
      const flags = FLAG.request | FLAG.proxiable
      const avps = ccrAvps(origin, session, report)
      const octets = encode({ flags, command: 272, application: 4, hopByHop: 0, endToEnd, avps })
      for (;;) {
        const answer = await attempt(renumbered(octets, ++ids, endToEnd))
        if (answer !== undefined) return answer
        octets[4] = flags | FLAG.retransmitted
        again++
        await sleep(50)
      }
    },
    repeated: () => again,
    close: () => void connection?.then((smf) => smf.close()).catch(() => undefined),
  }
}
