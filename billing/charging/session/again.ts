// The hot path: the same grant once more, out of what the session has set aside, without asking the wallet. Pure.
import type { ServiceRequest } from '../../../core/events/quota.ts'
import { ANY_SERVICE, type Balance } from '../plan/plan.ts'
import { tariffFor } from '../plan/tariff.ts'
import { type Payment, pay } from '../plan/wallet.ts'
import { isPlausible } from '../wallet/purse.ts'
import type { PlainAnswer } from './answer.ts'
import type { Held, ServiceState, Session, Used } from './state.ts'
import { type Asked, amountsOf, isNegative, type Terms } from './terms.ts'

export interface Served {
  readonly state: ServiceState
  readonly answer: PlainAnswer
}

/** `services`: of the session, as earlier parts of the request have left them. Undefined where the wallet must be asked. */
export function serveAgain(
  session: Session,
  services: readonly ServiceState[],
  { plan, timeZone }: Terms,
  asked: Asked,
  wanted: ServiceRequest,
): Served | undefined {
  const { at } = asked.request
  const state = services.find(({ ratingGroup }) => ratingGroup === wanted.ratingGroup)
  if (!state || !wanted.wanted || session.context !== asked.contextKey) return undefined
  if (at + state.validity * 1000n > state.until || at < session.last) return undefined
  if (wanted.used.some(({ tariff }) => tariff !== undefined)) return undefined
  const amounts = amountsOf(wanted.used)
  if (!isPlausible(amounts) || isNegative(wanted)) return undefined
  const { rule } = tariffFor(plan, asked.context, wanted.ratingGroup, at, timeZone)
  if (!rule || plan.tariffs[state.rule] !== rule) return undefined
  const payment = pay(amounts, rule, state.parts.map(balanceOf), state.remainder)
  const { overuse } = payment
  if (overuse.octet > 0n || overuse.second > 0n || overuse.message > 0n || overuse.money > 0n) return undefined
  const parts = spent(state.parts, payment)
  const [only] = parts
  if (rule.tariff.kind !== 'free' && (!only || state.step === 0n || only.held - only.spent < state.step))
    return undefined
  const next: ServiceState = {
    ...state,
    parts,
    remainder: payment.remainder,
    chargedOctets: state.chargedOctets + amounts.octet - payment.free.octet,
    chargedMoney: state.chargedMoney + payment.charge,
    used: addUsed(state.used, wanted, payment, at),
  }
  return { state: next, answer: answerOf(next) }
}

const balanceOf = ({ account, kind, unit, held, spent }: Held): Balance => ({
  account,
  kind,
  unit,
  available: held - spent,
  granted: 0n,
  priority: 0,
  expires: undefined,
  when: ANY_SERVICE,
})

const spent = (parts: readonly Held[], { parts: paid }: Payment): readonly Held[] =>
  paid.length === 0
    ? parts
    : parts.map((part) => {
        const amount = paid.find(({ account }) => account === part.account)?.amount
        return amount === undefined ? part : { ...part, spent: part.spent + amount }
      })

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

/** The grant that the state holds, as an answer. */
const answerOf = (state: ServiceState): PlainAnswer => ({
  ratingGroup: state.ratingGroup,
  result: 'granted',
  granted: { octets: state.octets, seconds: state.seconds, units: state.units },
  validity: state.validity,
  threshold: state.threshold,
  final: false,
  tariffChange: state.change as PlainAnswer['tariffChange'],
  throttled: state.throttled,
})
