// The hot path: the same grant once more, out of what the session has set aside, without asking the wallet.
import type { ServiceRequest, UsedUnits } from '../../../core/events/quota.ts'
import { tariffFor } from '../plan/tariff.ts'
import { type Payment, pay } from '../plan/wallet.ts'
import { isPlausible } from '../wallet/purse.ts'
import { encodeLines } from './answer.ts'
import { keepAnswer } from './earlier.ts'
import { type Metered, meter } from './meter.ts'
import { takeNumber } from './numbers.ts'
import { CELL } from './services-codec.ts'
import type { Session } from './session.ts'
import type { Used } from './state.ts'
import { canTally, MOST, Tally } from './tally.ts'
import { type Asked, amountsOf, isNegative, type Terms } from './terms.ts'

/** An update that needs no wallet: true when it was served, with the answer left in the session; otherwise nothing has changed. */
export function updateAgain(
  session: Session,
  terms: Terms,
  asked: Asked,
  limits: RecordLimits,
  metered: Metered[],
): boolean {
  const { services, number, at } = asked.request
  const [first] = services
  if (!first || session.context !== asked.contextKey || at < session.last) return false
  const tallies = talliesOf(session)
  if (!tallies || isRecordDue(session, tallies, asked, limits)) return false
  let answer: string
  if (services.length === 1) {
    const tally = tallyOf(tallies, first)
    const payment = tally && payAgain(tally, terms, asked, first)
    if (!payment) return false
    book(tally, first, payment, at)
    answer = tally.alone
  } else {
    const paid: { readonly tally: Tally; readonly wanted: ServiceRequest; readonly payment: Payment }[] = []
    for (const wanted of services) {
      const tally = tallyOf(tallies, wanted)
      // What one part of a request leaves would matter to the next.
      if (!tally || paid.some((other) => other.tally === tally)) return false
      const payment = payAgain(tally, terms, asked, wanted)
      if (!payment) return false
      paid.push({ tally, wanted, payment })
    }
    for (const { tally, wanted, payment } of paid) book(tally, wanted, payment, at)
    answer = encodeLines(
      'success',
      paid.map(({ tally }) => tally.line),
    )
  }
  meter(metered, session, asked, false)
  takeNumber(session, number)
  keepAnswer(session, number, answer)
  moveTo(session, asked)
  session.last = at
  return true
}

export interface RecordLimits {
  /** A record is cut when its session has carried so many octets since the last. */
  readonly recordOctets: bigint
  /** A record is cut when it is so old, milliseconds. */
  readonly recordTime: bigint
}

/** The record is cut on the slow path, which notices a new day of the tenant too: no grant is given again beyond its end. */
function isRecordDue(
  session: Session,
  tallies: readonly Tally[],
  { request: { at, services } }: Asked,
  { recordOctets, recordTime }: RecordLimits,
): boolean {
  if (at - session.recordFrom >= recordTime) return true
  let octets = 0n
  for (const tally of tallies) octets += tally.get(CELL.uplink) + tally.get(CELL.downlink)
  for (const { used } of services) for (const { uplink, downlink } of used) octets += uplink + downlink
  return octets >= recordOctets
}

/** The tariffs are the same there: only the radio may be another. */
function moveTo(session: Session, { request: { context } }: Asked): void {
  if (session.radio === context.radio) return
  session.radio = context.radio
  session.changed = true
}

function talliesOf(session: Session): readonly Tally[] | undefined {
  if (session.tallies) return session.tallies
  const { services } = session
  if (services.length === 0 || !services.every(canTally)) return undefined
  session.tallies = services.map((state) => new Tally(state))
  return session.tallies
}

function tallyOf(tallies: readonly Tally[], { ratingGroup }: ServiceRequest): Tally | undefined {
  for (const tally of tallies) if (tally.state.ratingGroup === ratingGroup) return tally
  return undefined
}

/** What the request costs, if what is held pays it and another grant; changes nothing. */
function payAgain(tally: Tally, { plan, timeZone }: Terms, asked: Asked, wanted: ServiceRequest): Payment | undefined {
  const { at } = asked.request
  if (!wanted.wanted || at > tally.until || wanted.used.some(isSplit)) return undefined
  const amounts = amountsOf(wanted.used)
  if (!isPlausible(amounts) || isNegative(wanted)) return undefined
  const { rule } = tariffFor(plan, asked.context, wanted.ratingGroup, at, timeZone)
  const { state, balances } = tally
  if (!rule || plan.tariffs[state.rule] !== rule) return undefined
  // Far beyond what any session carries: for the slow path, which counts without end.
  if (tally.get(CELL.uplink) + tally.get(CELL.downlink) + amounts.octet >= MOST) return undefined
  const payment = pay(amounts, rule, balances, tally.get(CELL.remainder))
  const { overuse } = payment
  if (overuse.octet > 0n || overuse.second > 0n || overuse.message > 0n || overuse.money > 0n) return undefined
  if (rule.tariff.kind === 'free') return payment
  const [only] = balances
  if (!only || state.step === 0n) return undefined
  let left = only.available
  for (const { account, amount } of payment.parts) if (account === only.account) left -= amount
  return left < state.step ? undefined : payment
}

const isSplit = ({ tariff }: UsedUnits): boolean => tariff !== undefined

function book(tally: Tally, { used }: ServiceRequest, payment: Payment, at: bigint): void {
  const { balances, cells } = tally
  let octets = 0n
  for (const { uplink, downlink, seconds, units } of used) {
    octets += uplink + downlink
    tally.add(CELL.uplink, uplink)
    tally.add(CELL.downlink, downlink)
    tally.add(CELL.seconds, seconds)
    tally.add(CELL.messages, units)
  }
  if (tally.get(CELL.first) === 0n) cells[CELL.first] = at
  cells[CELL.last] = at
  cells[CELL.remainder] = payment.remainder
  tally.add(CELL.chargedOctets, octets - payment.free.octet)
  tally.add(CELL.chargedMoney, payment.charge)
  tally.add(CELL.charge, payment.charge)
  tally.add(CELL.bundled, payment.bundled.octet)
  tally.add(CELL.free, payment.free.octet)
  for (const { account, amount } of payment.parts)
    for (const [index, balance] of balances.entries())
      if (balance.account === account) {
        balance.available -= amount
        tally.add(CELL.spent + index, amount)
      }
}

/** Adds what a request reports to what the next record says. */
export function addUsed(used: Used, { used: units }: Pick<ServiceRequest, 'used'>, payment: Payment, at: bigint): Used {
  let { uplink, downlink, seconds, messages } = used
  for (const each of units) {
    uplink += each.uplink
    downlink += each.downlink
    seconds += each.seconds
    messages += each.units
  }
  return {
    first: used.first === 0n ? at : used.first,
    last: at,
    uplink,
    downlink,
    seconds,
    messages,
    charge: used.charge + payment.charge,
    bundled: used.bundled + payment.bundled.octet,
    free: used.free + payment.free.octet,
  }
}
