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

/** How long all may be silent until it is asked again over another connection, milliseconds. */
const PATIENCE = 3000
/** DIAMETER_UNABLE_TO_DELIVER, DIAMETER_TOO_BUSY. */
const LATER: readonly unknown[] = [3002, 3004]

interface Unanswered {
  readonly octets: Uint8Array
  readonly endToEnd: number
  readonly resolve: (answer: Message) => void
}

/** Requests are sent again in the order in which they were made, as real gateways do: one that comes after a later one gets no grant any more. */
export function createInsistentSmf(options: GySmfOptions): InsistentSmf {
  const origin = { identity: options.identity ?? 'smf.localdomain', realm: options.realm ?? 'localdomain' }
  const unanswered = new Set<Unanswered>()
  let smf: GySmf | undefined
  let state: 'idle' | 'connecting' | 'closed' = 'idle'
  let heard = Date.now()
  let ids = 0x100_0000
  let again = 0

  const send = (one: Unanswered): void => {
    const mine = smf
    if (mine === undefined) return void connect()
    mine.raw(renumbered(one.octets, ++ids, one.endToEnd)).then(
      (answer) => {
        heard = Date.now()
        if (LATER.includes(get(answer, 'Result-Code'))) return void sleep(50).then(() => repeat(one))
        if (unanswered.delete(one)) one.resolve(answer)
      },
      () => leave(mine),
    )
  }
  const repeat = (one: Unanswered): void => {
    if (!unanswered.has(one)) return
    one.octets[4] = (one.octets[4] ?? 0) | FLAG.retransmitted
    again++
    send(one)
  }
  const leave = (gone: GySmf): void => {
    if (smf !== gone) return
    smf = undefined
    gone.close()
    void connect()
  }
  const connect = async (): Promise<void> => {
    if (state !== 'idle') return
    state = 'connecting'
    while (smf === undefined) {
      smf = await createGySmf(options).catch(() => undefined)
      if (smf === undefined) await sleep(50)
    }
    state = 'idle'
    heard = Date.now()
    for (const one of unanswered) repeat(one)
  }
  const watch = setInterval(() => {
    if (smf !== undefined && unanswered.size > 0 && Date.now() - heard > PATIENCE) leave(smf)
  }, PATIENCE / 4)
  watch.unref()

  return {
    ccr: (session, report) =>
      new Promise((resolve) => {
        const endToEnd = ++ids
        const flags = FLAG.request | FLAG.proxiable
        const avps = ccrAvps(origin, session, report)
        const octets = encode({ flags, command: 272, application: 4, hopByHop: 0, endToEnd, avps })
        const one: Unanswered = { octets, endToEnd, resolve }
        unanswered.add(one)
        if (smf !== undefined) send(one)
        else void connect()
      }),
    repeated: () => again,
    close() {
      state = 'closed'
      clearInterval(watch)
      smf?.close()
    },
  }
}
