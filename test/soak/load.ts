// Access points with sessions that never rest, and what each was told: the other half of the tally.
import { setTimeout as sleep } from 'node:timers/promises'
import { createNas, type Nas, type NasSession, type Retransmission } from '../../deploy/demo/nas.ts'
import { imsiOf, radioName } from '../emulators/node.ts'

/** A session as its access point knows it. Counters are totals. */
export interface Tally {
  readonly nas: string
  readonly id: string
  readonly subscriber: number
  /** What the newest request said, answered or not. */
  readonly sent: Counters
  /** What the newest answered request said; undefined before the first answer. */
  readonly answered: Counters | undefined
}

export interface Counters {
  readonly uplink: bigint
  readonly downlink: bigint
}

export interface Load {
  tallies(): readonly Tally[]
  /** Requests answered so far. */
  answered(): number
  /** Begins nothing new, waits until every request has its answer, and closes the sockets. */
  finish(): Promise<void>
  /** Closes the sockets at once. */
  abandon(): Promise<void>
}

export interface LoadOptions {
  readonly server: { readonly host: string; readonly port: number }
  readonly secret: string
  readonly radios: number
  /** Sessions of one radio at a time. */
  readonly sessions: number
  readonly random: () => number
  /** Between an answer and the session's next report, milliseconds; 0 unless given. */
  readonly pause?: number
}

/** Impatient, so that a restarted node is busy at once; persistent, so that it may stay away for long. */
const RETRANSMISSION: Retransmission = { initial: 50, longest: 200, count: 1_000_000, duration: 300_000 }
/** One report in so many is the session's last. */
const REPORTS = 20
/** Largest step of a counter, octets: some steps pass 2³². */
const STEP = 3_000_000

export async function startLoad({ server, secret, radios, sessions, random, pause = 0 }: LoadOptions): Promise<Load> {
  const tallies: (Tally & { sent: Counters; answered: Counters | undefined })[] = []
  let answered = 0
  let finishing = false

  const one = async (nas: Nas, name: string, subscriber: number, id: string): Promise<void> => {
    const tally = { nas: name, id, subscriber, sent: zero, answered: undefined as Counters | undefined }
    tallies.push(tally)
    const session: NasSession = nas.session({ id, user: imsiOf(subscriber) })
    let seconds = 0
    const report = async (send: () => Promise<void>, counters: Counters): Promise<void> => {
      tally.sent = counters
      await send()
      tally.answered = counters
      answered++
      if (pause > 0) await sleep(pause)
    }
    await report(() => session.start(), zero)
    for (let last = false; !last; ) {
      last = finishing || random() * REPORTS < 1
      seconds += 1 + Math.floor(random() * 60)
      // Now and then a jump past 2³², which needs the Gigawords.
      const jump = random() < 0.01 ? 1n << 32n : 0n
      const counters = {
        uplink: tally.sent.uplink + BigInt(Math.floor(random() * STEP)),
        downlink: tally.sent.downlink + BigInt(Math.floor(random() * STEP)) + jump,
      }
      const traffic = { ...counters, seconds }
      await report(() => (last ? session.stop(traffic) : session.interim(traffic)), counters)
    }
  }

  const all: Nas[] = []
  const running: Promise<void>[] = []
  for (let radio = 0; radio < radios; radio++) {
    const identifier = radioName(radio)
    const nas = await createNas({ server, secret: Buffer.from(secret), identifier, retransmission: RETRANSMISSION })
    all.push(nas)
    for (let slot = 0; slot < sessions; slot++) {
      const subscriber = radio * sessions + slot
      const sessionsInTurn = async (): Promise<void> => {
        for (let turn = 0; !finishing; turn++) await one(nas, identifier, subscriber, `${slot}-${turn}`)
      }
      running.push(sessionsInTurn())
    }
  }
  const close = async (): Promise<void> => {
    await Promise.all(all.map((nas) => nas.close()))
  }
  // A request that is given up shows in `finish`; until then nobody waits for it.
  for (const session of running) session.catch(() => {})

  return {
    tallies: () => tallies,
    answered: () => answered,
    async finish() {
      finishing = true
      await Promise.all(running)
      await close()
    },
    async abandon() {
      finishing = true
      await close()
      await Promise.allSettled(running)
    },
  }
}

const zero: Counters = { uplink: 0n, downlink: 0n }
