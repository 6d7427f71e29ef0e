// RADIUS accounting: verified packets in, one verdict each out, after the commit. A request that cannot be recorded is not
// answered (RFC 2866 §2), so that the access point keeps it.
import { Counter, type Registry } from 'prom-client'
import type { RadioDirectory, SubscriberDirectory } from '../../core/events/ports.ts'
import type { Logger } from '../../core/log/logger.ts'
import { createGroupCommit } from '../../core/store/group-commit.ts'
import type { Store } from '../../core/store/store.ts'
import type { ReceivedRequest, Verdict } from '../../core/transport/radius/accounting-server.ts'
import { type AccountingReport, imsiOf, type Refusal, readReport, type Sender } from './report.ts'
import { type AccountingRecord, createAccountingStore, type RecordOutcome } from './store.ts'

export interface AccountingDeps {
  readonly store: Store
  readonly radios: RadioDirectory
  readonly subscribers: SubscriberDirectory
  readonly metrics: Registry
  readonly log: Logger
}

export interface Accounting {
  handle(requests: readonly ReceivedRequest[]): Promise<Verdict[]>
  /** True while requests come faster than one at a time: what can wait should. */
  busy(): boolean
  /** Resolves when everything handed over has been committed. */
  drain(): Promise<void>
}

/** The input/output thread has gathered already; while one batch is written the next grows. */
const GROUP = { maxDelay: 1, maxItems: 512 } as const
/** So many requests at once are a crowd, and a crowd is not over until it has been gone for so many milliseconds. */
const CROWD = 16
const CROWD_GONE = 200

export function createAccounting(deps: AccountingDeps): Accounting {
  const { radios, subscribers, log } = deps
  const outcomes = new Counter({
    name: 'tallycell_accounting_records_total',
    help: 'Accounting requests by what became of them',
    labelNames: ['outcome'],
    registers: [deps.metrics],
  })
  const tally = (results: readonly (RecordOutcome | Refusal | 'not-stored')[]): void => {
    const sums = new Map<string, number>()
    for (const outcome of results) sums.set(outcome, (sums.get(outcome) ?? 0) + 1)
    for (const [outcome, sum] of sums) outcomes.inc({ outcome }, sum)
  }
  let crowded = Number.NEGATIVE_INFINITY
  const group = createGroupCommit(createAccountingStore(deps.store), GROUP)

  const place = (read: AccountingReport, request: ReceivedRequest): AccountingRecord => {
    const origin = `radius:${request.client.name}:${read.from.nas ?? request.client.name}`
    if (read.kind === 'restart') return { kind: 'restart', origin, at: read.at }
    const known = findRadio(radios, read.from)
    const imsi = imsiOf(read.report.identity)
    return {
      kind: 'session',
      report: read.report,
      origin,
      sessionId: read.sessionId,
      radio: known?.radio,
      access: known?.access ?? 'wifi',
      subscriber: imsi && subscribers.byImsi(imsi)?.subscriber,
      received: request.received,
    }
  }

  return {
    async handle(requests) {
      if (requests.length >= CROWD) crowded = performance.now()
      const reads = requests.map(({ packet, received }) => readReport(packet, received))
      if (reads.some((read) => typeof read === 'object' && isUnknown(read, radios, subscribers)))
        await Promise.all([radios.refresh(), subscribers.refresh()])
      const verdicts: Verdict[] = []
      const records: AccountingRecord[] = []
      const refusals: Refusal[] = []
      for (const [index, request] of requests.entries()) {
        const read = reads[index] ?? 'bad-value'
        if (typeof read === 'string') {
          refusals.push(read)
          verdicts.push('ignore')
          log.debug({ client: request.client.name, reason: read }, 'accounting request refused')
        } else {
          records.push(place(read, request))
          verdicts.push('accept')
        }
      }
      tally(refusals)
      try {
        tally(await group.submit(records))
        return verdicts
      } catch (error) {
        tally(records.map(() => 'not-stored'))
        log.error({ err: error, requests: records.length }, 'accounting could not be stored and is not answered')
        return verdicts.map(() => 'ignore')
      }
    },
    busy: () => performance.now() - crowded < CROWD_GONE,
    drain: () => group.drain(),
  }
}

/** A BSSID names one access point even where a controller speaks for many; else the NAS-Identifier decides. */
function findRadio(
  radios: RadioDirectory,
  { bssid, nasIdentifier }: Sender,
): ReturnType<RadioDirectory['byCalledStation']> {
  return (
    (bssid === undefined ? undefined : radios.byCalledStation(bssid)) ??
    (nasIdentifier === undefined ? undefined : radios.byNasIdentifier(nasIdentifier))
  )
}

function isUnknown(read: AccountingReport, radios: RadioDirectory, subscribers: SubscriberDirectory): boolean {
  if (read.kind !== 'session') return false
  if (!findRadio(radios, read.from)) return true
  const imsi = imsiOf(read.report.identity)
  return imsi !== undefined && !subscribers.byImsi(imsi)
}
