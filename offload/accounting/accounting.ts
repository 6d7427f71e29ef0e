// RADIUS accounting: verified packets in, one verdict each out, after the commit. A request that cannot be recorded is not
// answered (RFC 2866 §2), so that the access point keeps it.
import { Counter, type Registry } from 'prom-client'
import type { KnownRadio, RadioDirectory, SubscriberDirectory } from '../../core/events/ports.ts'
import type { SubscriberId } from '../../core/kernel/ids.ts'
import type { Logger } from '../../core/log/logger.ts'
import { createGroupCommit } from '../../core/store/group-commit.ts'
import type { Store } from '../../core/store/store.ts'
import type { ReceivedRequest, Verdict } from '../../core/transport/radius/accounting-server.ts'
import type { Classes } from '../aaa/class.ts'
import { type AccountingReport, imsiOf, type Refusal, readReport, type Sender } from './report.ts'
import { type AccountingRecord, createAccountingStore, type RecordOutcome } from './store.ts'

export interface AccountingDeps {
  readonly store: Store
  readonly radios: RadioDirectory
  readonly subscribers: SubscriberDirectory
  /** Whom a session belongs to that we let in, by its Class. */
  readonly classes: Pick<Classes, 'open'>
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
const GROUP = { maxDelay: 1, maxItems: 512, inFlight: 2 } as const
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

  return {
    async handle(requests) {
      if (requests.length >= CROWD) crowded = performance.now()
      const verdicts: Verdict[] = []
      const refusals: Refusal[] = []
      const placed: Placed[] = []
      let strangers = 0
      for (const request of requests) {
        const read = readReport(request.packet, request.received)
        if (typeof read === 'string') {
          refusals.push(read)
          verdicts.push('ignore')
          log.debug({ client: request.client.name, reason: read }, 'accounting request refused')
          continue
        }
        const place = placeOf(read, request, deps)
        if (place.stranger) strangers++
        placed.push(place)
        verdicts.push('accept')
      }
      if (strangers > 0) await Promise.all([radios.refresh(), subscribers.refresh()])
      const records = placed.map(({ record, stranger, read, request }) =>
        stranger ? placeOf(read, request, deps).record : record,
      )
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

/** A request that can be recorded, and where it belongs. */
interface Placed {
  readonly read: AccountingReport
  readonly request: ReceivedRequest
  readonly record: AccountingRecord
  /** Its radio or its SIM is not known, or not yet: another process may have registered it a moment ago. */
  readonly stranger: boolean
}

function placeOf(read: AccountingReport, request: ReceivedRequest, directories: Directories): Placed {
  const { radios } = directories
  const origin = `radius:${request.client.name}:${read.from.nas ?? request.client.name}`
  if (read.kind === 'restart')
    return { read, request, record: { kind: 'restart', origin, at: read.at }, stranger: false }
  const radio = findRadio(radios, read.from)
  const { subscriber, named } = findSubscriber(directories, read, request)
  const record: AccountingRecord = {
    kind: 'session',
    report: read.report,
    origin,
    sessionId: read.sessionId,
    multiSession: read.multiSession,
    callingStation: read.callingStation,
    radio: radio?.radio,
    access: radio?.access ?? 'wifi',
    subscriber,
    received: request.received,
  }
  return { read, request, record, stranger: !radio || (named && !subscriber) }
}

type Directories = Pick<AccountingDeps, 'radios' | 'subscribers' | 'classes'>

/** Class says whom we let in, whatever name the phone goes by since; else the name may be an IMSI. `named`: it should be known. */
function findSubscriber(
  { subscribers, classes }: Directories,
  { classOctets, report: { identity } }: Extract<AccountingReport, { kind: 'session' }>,
  { received }: ReceivedRequest,
): { readonly subscriber: SubscriberId | undefined; readonly named: boolean } {
  const granted = classOctets && classes.open(classOctets, received)
  if (granted !== undefined) return { subscriber: subscribers.byId(granted.subscriber)?.subscriber, named: true }
  const imsi = imsiOf(identity)
  return { subscriber: imsi && subscribers.byImsi(imsi)?.subscriber, named: imsi !== undefined }
}

/** A BSSID names one access point even where a controller speaks for many; else the NAS-Identifier decides. */
function findRadio(radios: RadioDirectory, { bssid, nasIdentifier }: Sender): KnownRadio | undefined {
  return (
    (bssid === undefined ? undefined : radios.byCalledStation(bssid)) ??
    (nasIdentifier === undefined ? undefined : radios.byNasIdentifier(nasIdentifier))
  )
}
