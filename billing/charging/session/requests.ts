// Requests of open and ended sessions, one after the other, on a purse in memory.
import type { QuotaRequest, QuotaResult, ServiceRequest } from '../../../core/events/quota.ts'
import { type Millis, millis } from '../../../core/kernel/units.ts'
import type { ClosingCause } from '../cdr/record.ts'
import { periodOf } from '../plan/calendar.ts'
import { tariffFor } from '../plan/tariff.ts'
import { pay } from '../plan/wallet.ts'
import type { Book, Cause } from '../wallet/book.ts'
import { type Promised, type Purse, payersOf } from '../wallet/purse.ts'
import type { RecordLimits } from './again.ts'
import { chargeUsed, giveSlack, grantAnew, holdAgain, promisedBy, type Serving, settle, slackOf } from './anew.ts'
import { encodeAnswer, type PlainAnswer } from './answer.ts'
import { keepAnswer, noteLate } from './earlier.ts'
import { type Metered, meter } from './meter.ts'
import { takeNumber } from './numbers.ts'
import { cutRecord } from './record.ts'
import type { Session } from './session.ts'
import { contextOf, newService, type ServiceState } from './state.ts'
import type { HeldUsage, NewRecord, PaidPart } from './store.ts'
import { type Asked, amountsOf, type Terms } from './terms.ts'

/** What a transaction writes besides wallets and sessions. */
export interface Outcome extends Book {
  readonly records: NewRecord[]
  readonly held: HeldUsage[]
  readonly metered: Metered[]
}

export interface SessionLimits extends RecordLimits {
  /** A session that has been silent for twice its validity and so much more is dead, milliseconds. */
  readonly margin: bigint
}

export interface Desk {
  readonly outcome: Outcome
  readonly limits: SessionLimits
  readonly session: Session
  readonly terms: Terms
  readonly purse: Purse
  /** What a refund can give back: paid by this session and not returned yet. */
  readonly paid: readonly PaidPart[]
  /**
   * Other sessions that the purse pays for, locked, with their purses. Called when there is not enough; throws where they have first to be
   * locked by a new attempt.
   */
  readonly others: () => readonly { readonly session: Session; readonly purse: Purse }[]
}

const put = (session: Session, state: ServiceState): void => {
  const known = session.services.some(({ ratingGroup }) => ratingGroup === state.ratingGroup)
  session.services = known
    ? session.services.map((each) => (each.ratingGroup === state.ratingGroup ? state : each))
    : [...session.services, state]
}

const stateOf = (session: Session, ratingGroup: bigint, at: bigint): ServiceState =>
  session.services.find((state) => state.ratingGroup === ratingGroup) ?? newService(ratingGroup, at)

const causeOf = ({ no }: Session, what: bigint | string, at: Millis): Cause => ({
  source: 'session',
  reference: no,
  cause: `session:${no}:${what}`,
  at,
})

/** What a meter reports was used where its session was until now: by the tariff of that place. */
function askedWhereUsed({ session }: Desk, asked: Asked): Asked {
  const { request } = asked
  if (!request.meter || session.context === '' || session.context === asked.contextKey) return asked
  return { ...asked, context: contextOf(session) }
}

function servingOf(desk: Desk, asked: Asked, what: bigint | string): Serving {
  const { outcome, session, terms, purse } = desk
  const { at } = asked.request
  return {
    book: outcome,
    purse,
    terms,
    asked,
    cause: causeOf(session, what, at),
    held: (reason, usage) =>
      outcome.held.push({
        source: `${session.key.replace('\n', ' ')} ${what}`,
        at,
        subscriber: session.subscriber,
        reason,
        usage,
      }),
    cut: (state) => {
      put(session, state)
      cut(desk, 'management', at)
    },
  }
}

function cut({ outcome, session, terms }: Desk, cause: ClosingCause, at: Millis, ends = false): void {
  const record = cutRecord(session, terms, cause, at, ends)
  if (record) outcome.records.push(record)
}

/** Answers `next` and `late` requests; the answer is left in the session where it is the newest. Returns it as stored. */
export function serve(desk: Desk, kind: 'open' | 'update' | 'close', asked: Asked, late: boolean): string {
  const { session, purse } = desk
  const { request } = asked
  const serving = servingOf(desk, asked, request.number)
  const reporting = { ...serving, asked: askedWhereUsed(desk, asked) }
  const ended = session.state !== 'open'
  meter(desk.outcome.metered, session, asked, kind === 'close')
  takeNumber(session, request.number)
  const answers: PlainAnswer[] = []
  const suspended = purse.wallet.suspended
  for (const wanted of request.services) {
    const before = stateOf(session, wanted.ratingGroup, request.at)
    const settled = settle(serving, before)
    const promised = promisedBy(before)
    enough(desk, reporting.asked, wanted, settled, promised)
    let charged = chargeUsed(reporting, settled, wanted, promised)
    put(session, charged)
    answers.push(withoutGrant(desk.terms, wanted, suspended))
    if (ended) {
      Object.assign(purse.wallet, { remainder: purse.wallet.remainder + charged.remainder, touched: true })
      put(session, { ...released(charged), remainder: 0n })
      continue
    }
    if (kind === 'close') {
      put(session, released(charged))
      continue
    }
    if (late) {
      put(session, holdAgain(serving, charged, before))
      continue
    }
    if (!wanted.wanted || suspended) {
      put(session, released(charged))
      continue
    }
    const passed = request.at - before.settled
    const rate = passed > 0n && before.chargedOctets > 0n ? (before.chargedOctets * 1000n) / passed : undefined
    let granted = grantAnew(serving, charged, wanted, rate)
    if (granted.short && takeSlack(desk)) {
      charged = settle(serving, granted.state)
      granted = grantAnew(serving, charged, wanted, rate)
    }
    put(session, granted.state)
    answers[answers.length - 1] = granted.answer
  }
  moveContext(session, asked)
  if (request.at > session.last) session.last = request.at
  const useless = kind === 'open' && request.endUnlessGranted && !answers.some(({ granted }) => granted)
  if ((kind === 'close' || useless) && !ended) end(desk, asked, 'closed', 'normal-release')
  else if (ended) cut(desk, 'abnormal-release', request.at)
  else cutWhereDue(desk, request.at)
  const result: QuotaResult =
    ended && kind !== 'close' ? 'unknown-session' : suspended && !ended ? 'suspended' : 'success'
  const answer = encodeAnswer(result, answers)
  if (late) noteLate(session, request.number, session.number)
  else keepAnswer(session, request.number, answer)
  session.moved = true
  return answer
}

/** The peer has nothing granted any more. */
const released = (state: ServiceState): ServiceState => ({
  ...state,
  octets: undefined,
  seconds: undefined,
  units: undefined,
})

/** An answer to a request that gets no grant. */
const withoutGrant = ({ plan }: Terms, { ratingGroup }: ServiceRequest, suspended: boolean): PlainAnswer => ({
  ratingGroup,
  result: suspended ? 'service-denied' : 'granted',
  granted: undefined,
  validity: plan.grant.validity,
  threshold: undefined,
  final: false,
  tariffChange: undefined,
  throttled: false,
})

/** The answer to a request that has been taken before, or is too old: charges nothing, grants nothing, and is always the same. */
export const answerAgain = (terms: Terms, request: QuotaRequest): string =>
  encodeAnswer(
    'success',
    request.services.map((wanted) => withoutGrant(terms, wanted, false)),
  )

/** Before anything becomes overuse, what other sessions do not need is given back. */
function enough(desk: Desk, asked: Asked, wanted: ServiceRequest, state: ServiceState, promised: Promised): void {
  const { terms, purse } = desk
  if (wanted.used.length === 0) return
  const { at } = asked.request
  const { rule } = tariffFor(terms.plan, asked.context, wanted.ratingGroup, at, terms.timeZone)
  const payers = payersOf(purse, asked.context, wanted.ratingGroup, at, promised)
  const { overuse } = pay(amountsOf(wanted.used), rule, payers, state.remainder)
  if (rule?.tariff.kind === 'paid' && Object.values(overuse).some((amount) => amount > 0n)) takeSlack(desk)
}

function takeSlack({ others }: Desk): boolean {
  let taken = false
  for (const { session, purse } of others())
    for (const state of session.services) {
      if (slackOf(state) === 0n) continue
      put(session, giveSlack(purse, state))
      session.moved = true
      taken = true
    }
  return taken
}

function moveContext(session: Session, { request, contextKey }: Asked): void {
  const { access, radio, visitedPlmn } = request.context
  session.context = contextKey
  if (session.access === access && session.radio === radio && session.visitedPlmn === visitedPlmn) return
  Object.assign(session, { access, radio, visitedPlmn, changed: true })
}

function cutWhereDue(desk: Desk, at: Millis): void {
  const { session, limits, terms } = desk
  const octets = session.services.reduce((sum, { used }) => sum + used.uplink + used.downlink, 0n)
  if (octets >= limits.recordOctets) cut(desk, 'volume-limit', at)
  else if (at - session.recordFrom >= limits.recordTime) cut(desk, 'time-limit', at)
  else if (periodOf('day', millis(session.recordFrom), terms.timeZone).end <= at) cut(desk, 'management', at)
}

/** Gives everything back and writes the last record. */
function end(desk: Desk, asked: Asked, state: 'closed' | 'expired', cause: ClosingCause): void {
  const { session, purse } = desk
  const { at } = asked.request
  const serving = servingOf(desk, asked, state)
  let remainder = 0n
  session.services = session.services.map((service) => {
    const settled = settle(serving, service)
    remainder += settled.remainder
    return { ...released(settled), remainder: 0n }
  })
  if (remainder !== 0n) Object.assign(purse.wallet, { remainder: purse.wallet.remainder + remainder, touched: true })
  Object.assign(session, { state, closed: at, checkAt: undefined, moved: true, changed: true })
  cut(desk, cause, at, true)
}

/** When the session is dead if nothing more is heard of it. */
const deadline = ({ last, services }: Session, { plan }: Terms, { margin }: SessionLimits): Millis => {
  const longest = services.reduce((most, { validity }) => (validity > most ? validity : most), plan.grant.validity)
  return millis(last + longest * 2000n + margin)
}

/** The session has been silent too long, or has to end (`drop`) whatever its peer says: ends it, or says when to look again. */
export function supervise(desk: Desk, now: Millis, drop: boolean): boolean {
  const { session, terms, limits } = desk
  if (session.state !== 'open') return false
  const dead = deadline(session, terms, limits)
  if (dead > now && !drop) {
    Object.assign(session, { checkAt: dead, changed: true })
    return false
  }
  const context = {
    access: session.access,
    radio: session.radio,
    visitedPlmn: session.visitedPlmn,
    radioClass: undefined,
  }
  const request = {
    origin: '',
    sessionId: '',
    number: session.number,
    at: now,
    subscriber: session.subscriber,
    context,
    services: [],
  }
  const asked = { request, context, contextKey: session.context }
  if (drop) end(desk, asked, 'closed', 'management')
  else end(desk, asked, 'expired', 'abnormal-release')
  return true
}
