// One-time requests (RFC 8506 §6): direct debit, refund, balance check and price enquiry. Each session id has a row, so that a repeated
// number gets the stored answer; the row never holds a reservation.
import type { QuotaEvent, QuotaEventAnswer, QuotaResult, ServiceResult } from '../../../core/events/quota.ts'
import { type Amounts, NOTHING } from '../plan/plan.ts'
import { tariffFor } from '../plan/tariff.ts'
import { pay, REMAINDER_PARTS } from '../plan/wallet.ts'
import { count, giveBack, isPlausible, payersOf, payFrom, turn } from '../wallet/purse.ts'
import { takeNumber, turnOf } from './numbers.ts'
import type { Desk } from './requests.ts'

type Fields = Partial<Omit<QuotaEventAnswer, 'result'>>

const NO_UNITS = { octets: undefined, seconds: undefined, units: undefined }

/** The answer as it is stored. */
export const encodeEventAnswer = (result: QuotaResult | ServiceResult, fields: Fields = {}): string =>
  JSON.stringify({ result, ...fields }, (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  )

export function decodeEventAnswer(text: string): QuotaEventAnswer {
  const { result, granted, price, enough } = JSON.parse(text) as {
    result: QuotaEventAnswer['result']
    granted?: { octets?: string; seconds?: string; units?: string }
    price?: string
    enough?: boolean
  }
  const amount = (value: string | undefined): bigint | undefined => (value === undefined ? undefined : BigInt(value))
  return {
    result,
    granted: granted && {
      ...NO_UNITS,
      octets: amount(granted.octets),
      seconds: amount(granted.seconds),
      units: amount(granted.units),
    },
    price: amount(price),
    enough,
  }
}

/** Tells it from a session's answer. */
export const isEventAnswer = (answer: string): boolean => answer.startsWith('{')

/** Answers a one-time request; the answer is left in the session. */
export function serveEvent(desk: Desk, event: QuotaEvent, radioClass: string | undefined): string {
  const { session } = desk
  const turn = turnOf(session, event.number)
  if (turn === 'repeat' && isEventAnswer(session.answer)) return session.answer
  if (turn !== 'next') return encodeEventAnswer('unknown-session')
  const answer = answerEvent(desk, event, radioClass)
  takeNumber(session, event.number)
  // A refund may name a session that is still open: that stays as it is, and so does what its peer was answered.
  const own = session.context === ''
  if (own) Object.assign(session, { state: 'closed', closed: event.at, checkAt: undefined, changed: true })
  Object.assign(session, { answer, last: event.at, moved: true })
  return answer
}

function answerEvent(desk: Desk, event: QuotaEvent, radioClass: string | undefined): string {
  const { outcome, session, terms, purse } = desk
  const { at, ratingGroup, requested } = event
  const { plan, timeZone } = terms
  const amounts: Amounts = {
    ...NOTHING,
    octet: requested.octets ?? 0n,
    second: requested.seconds ?? 0n,
    message: requested.units ?? 0n,
  }
  if (!isPlausible(amounts) || Object.values(amounts).some((amount) => amount < 0n))
    return encodeEventAnswer('rating-failed')
  if (event.action === 'refund') return refund(desk, event)
  const context = { ...event.context, radioClass }
  const { rule } = tariffFor(plan, context, ratingGroup, at, timeZone)
  if (!rule) return encodeEventAnswer('rating-failed')
  if (rule.tariff.kind === 'deny') return encodeEventAnswer('service-denied')
  if (event.action === 'price-enquiry') {
    const { charge, remainder } = pay(amounts, rule, [], 0n)
    return encodeEventAnswer('success', {
      granted: requested,
      price: charge + (remainder * 2n >= REMAINDER_PARTS ? 1n : 0n),
    })
  }
  const carried = purse.wallet.remainder
  const { overuse } = pay(amounts, rule, payersOf(purse, context, ratingGroup, at), carried)
  const enough = Object.values(overuse).every((amount) => amount === 0n) && !purse.wallet.suspended
  if (event.action === 'check-balance') return encodeEventAnswer('success', { enough })
  if (purse.wallet.suspended) return encodeEventAnswer('suspended')
  if (!enough) return encodeEventAnswer('credit-limit-reached')
  turn(purse.wallet, plan, at, timeZone)
  const usage = { amounts, rule, context, ratingGroup, at, remainder: carried }
  const cause = { source: 'session', reference: session.no, cause: `event:${session.no}:${event.number}`, at } as const
  const payment = payFrom(outcome, purse, plan, usage, cause)
  if (!payment) return encodeEventAnswer('rating-failed')
  Object.assign(purse.wallet, { remainder: payment.remainder, touched: true })
  count(outcome, purse, plan, at, amounts.octet - payment.free.octet, payment.charge)
  return encodeEventAnswer('success', { granted: requested, price: payment.charge })
}

/** What the session has paid and not got back yet returns to the accounts that paid it, as far as these still are open. */
function refund({ outcome, session, purse, paid }: Desk, { number, at }: QuotaEvent): string {
  let price = 0n
  const units = { octet: 0n, second: 0n, message: 0n }
  const cause = { source: 'session', reference: session.no, cause: `refund:${session.no}:${number}`, at } as const
  const back = paid.flatMap(({ account, amount }) => {
    const pot = purse.pots.get(account)
    return pot?.open ? [{ pot, amount }] : []
  })
  if (back.length === 0) return encodeEventAnswer('unknown-session')
  if (!giveBack(outcome, purse, back, cause)) return encodeEventAnswer('rating-failed')
  for (const { pot, amount } of back) {
    if (pot.unit === 'money') price += amount
    else units[pot.unit] += amount
  }
  const granted = {
    octets: units.octet || undefined,
    seconds: units.second || undefined,
    units: units.message || undefined,
  }
  return encodeEventAnswer('success', { granted, price })
}
