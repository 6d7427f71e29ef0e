// A charging session as it stands.
import type { Access } from '../../../core/events/usage-event.ts'
import type { PayerId, RadioId, SubscriberId } from '../../../core/kernel/ids.ts'
import type { Millis } from '../../../core/kernel/units.ts'
import type { EarlierAnswer } from './earlier.ts'
import type { ServiceState, SessionFields } from './state.ts'
import type { Tally } from './tally.ts'
import type { Terms } from './terms.ts'

/** A session under work. What does not change from request to request is read-only. */
export class Session implements SessionFields {
  readonly no: bigint
  readonly key: string
  readonly subscriber: SubscriberId
  readonly pool: string | undefined
  readonly tenant: PayerId
  readonly plan: bigint | undefined
  readonly opened: Millis
  closed: Millis | undefined
  checkAt: Millis | undefined
  access: Access
  radio: RadioId | undefined
  visitedPlmn: string | undefined
  state: SessionFields['state']
  number: bigint
  seen: bigint
  last: Millis
  gaps: bigint
  late: bigint
  context: string
  answer: string
  answerFrom: bigint
  earlier: readonly EarlierAnswer[]
  records: bigint
  recordFrom: bigint
  /** What its plan says; undefined until it has been looked up. */
  terms: Terms | undefined = undefined
  /** The services as the hot path counts on; undefined when nothing was counted since `services` was set. */
  tallies: readonly Tally[] | undefined = undefined
  /** Rows to write back. */
  moved: boolean
  changed = false
  private settled: readonly ServiceState[]

  constructor(fields: SessionFields, isNew: boolean) {
    this.no = fields.no
    this.key = fields.key
    this.subscriber = fields.subscriber
    this.pool = fields.pool
    this.tenant = fields.tenant
    this.plan = fields.plan
    this.opened = fields.opened
    this.closed = fields.closed
    this.checkAt = fields.checkAt
    this.access = fields.access
    this.radio = fields.radio
    this.visitedPlmn = fields.visitedPlmn
    this.state = fields.state
    this.number = fields.number
    this.seen = fields.seen
    this.last = fields.last
    this.gaps = fields.gaps
    this.late = fields.late
    this.context = fields.context
    this.answer = fields.answer
    this.answerFrom = fields.answerFrom
    this.earlier = fields.earlier
    this.records = fields.records
    this.recordFrom = fields.recordFrom
    this.moved = isNew
    this.settled = fields.services
  }

  get services(): readonly ServiceState[] {
    if (this.tallies) {
      this.settled = this.tallies.map((tally) => tally.toState())
      this.tallies = undefined
    }
    return this.settled
  }

  set services(services: readonly ServiceState[]) {
    this.tallies = undefined
    this.settled = services
  }
}

export const sessionKey = (origin: string, sessionId: string): string => `${origin}\n${sessionId}`

export const splitKey = (key: string): { readonly origin: string; readonly sessionId: string } => {
  const at = key.indexOf('\n')
  return { origin: key.slice(0, at), sessionId: key.slice(at + 1) }
}
