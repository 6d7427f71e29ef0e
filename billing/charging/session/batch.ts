// Many requests, one transaction: sessions are loaded and locked, updates that need no wallet are served, then the wallets of the others are
// locked and these are served; everything is written back in sets. Nothing is kept in memory afterwards.

import type { KnownSubscriber } from '../../../core/events/ports.ts'
import type { QuotaAnswer, QuotaEvent, QuotaEventAnswer, QuotaRequest } from '../../../core/events/quota.ts'
import { appendUsage } from '../../../core/events/store.ts'
import type { RadioId, SubscriberId } from '../../../core/kernel/ids.ts'
import { type Millis, millis } from '../../../core/kernel/units.ts'
import type { Sql } from '../../../core/store/sql.ts'
import type { AccountId } from '../../ledger/accounts.ts'
import { type Catalogue, planKey } from '../catalogue/store.ts'
import { newBook } from '../wallet/book.ts'
import type { Purse } from '../wallet/purse.ts'
import { lockPurses, type PurseWanted, poolsOf, purseKey, readCrowded, savePurses } from '../wallet/store.ts'
import { updateAgain } from './again.ts'
import { slackOf } from './anew.ts'
import { decodeAnswer, encodeAnswer } from './answer.ts'
import { answerTo } from './earlier.ts'
import { decodeEventAnswer, encodeEventAnswer, isEventAnswer, serveEvent } from './event.ts'
import { turnOf } from './numbers.ts'
import { answerAgain, type Desk, type Outcome, type SessionLimits, serve, supervise } from './requests.ts'
import type { Session } from './session.ts'
import { contextKey } from './state.ts'
import {
  lockSessions,
  makeSessions,
  type NewDetail,
  type NewSession,
  type OpenSession,
  openSessions,
  paidBy,
  peekServices,
  saveDetails,
  saveHeld,
  saveRecords,
  saveSessions,
} from './store.ts'
import type { Asked, Terms } from './terms.ts'

export type Item =
  | { readonly kind: 'open' | 'update' | 'close'; readonly key: string; readonly request: QuotaRequest }
  | { readonly kind: 'event'; readonly key: string; readonly event: QuotaEvent }
  | { readonly kind: 'supervise'; readonly session: bigint; readonly now: Millis; readonly drop?: true }

/** True or false of `supervise`: whether the session was ended. */
export type ItemAnswer = QuotaAnswer | QuotaEventAnswer | boolean

export interface BatchDeps {
  readonly catalogue: Catalogue
  readonly subscriber: (id: SubscriberId) => KnownSubscriber | undefined
  readonly radioClass: (radio: RadioId | undefined) => string | undefined
  readonly limits: SessionLimits
  /** Names this node's accounts. */
  readonly node: string
}

/** Thrown out of the transaction: these sessions have to be locked as well, before the wallets; then all is done again. */
export class LockFirst extends Error {
  readonly sessions: readonly bigint[]
  constructor(sessions: readonly bigint[]) {
    super('other sessions have to be locked first')
    this.sessions = sessions
  }
}

const UNKNOWN_SUBSCRIBER = encodeAnswer('unknown-subscriber', [])
const UNKNOWN_SESSION = encodeAnswer('unknown-session', [])
const TOO_MANY = encodeAnswer('too-many-sessions', [])

export interface Locking {
  /** Further sessions to lock. */
  readonly sessions: readonly bigint[]
  /** What sessions hold that still are not locked is left to them. */
  readonly enough: boolean
  /** Accounts whose totals have to be known. */
  readonly crowded: readonly AccountId[]
}

/** The answers, in order. Throws LockFirst and AccountsFull. */
export async function serveBatch(
  deps: BatchDeps,
  sql: Sql,
  items: readonly Item[],
  { sessions: also, enough, crowded }: Locking,
): Promise<ItemAnswer[]> {
  const keys: string[] = []
  const numbers: bigint[] = [...also]
  for (const item of items)
    if (item.kind === 'supervise') numbers.push(item.session)
    else keys.push(item.key)
  const sessions = new Map<bigint, Session>()
  const byKey = new Map<string, Session>()
  const know = (found: readonly Session[]): void => {
    for (const session of found) {
      sessions.set(session.no, session)
      byKey.set(session.key, session)
    }
  }
  know(await lockSessions(sql, { keys, numbers }))
  const opened = await openMissing(deps, sql, items, byKey)
  know(opened.made)
  if (opened.others.length > 0) know(await lockSessions(sql, { keys: opened.others, numbers: [] }))
  await learnTerms(deps, sql, sessions.values())

  const outcome: Outcome = { ...newBook(deps.node), records: [], held: [], metered: [] }
  const answers: ItemAnswer[] = new Array(items.length)
  const waiting: { readonly index: number; readonly session: Session }[] = []
  const blocked = new Set<Session>()
  const wait = (index: number, session: Session): void => {
    waiting.push({ index, session })
    blocked.add(session)
  }
  for (let index = 0; index < items.length; index++) {
    const item = items[index]
    if (!item) continue
    if (item.kind === 'supervise') {
      const session = sessions.get(item.session)
      if (session) wait(index, session)
      else answers[index] = false
      continue
    }
    const session = byKey.get(item.key)
    if (!session) {
      const known = deps.subscriber(item.kind === 'event' ? item.event.subscriber : item.request.subscriber)
      if (item.kind === 'event')
        answers[index] = decodeEventAnswer(encodeEventAnswer(known ? 'unknown-session' : 'unknown-subscriber'))
      else
        answers[index] = decodeAnswer(
          known || item.kind !== 'open' ? UNKNOWN_SESSION : UNKNOWN_SUBSCRIBER,
          deps.catalogue.flat.plan,
        )
      continue
    }
    if (blocked.has(session) || item.kind === 'event') {
      wait(index, session)
      continue
    }
    const served = serveAlone(session, need(session), item, { deps, outcome })
    if (served === undefined) wait(index, session)
    else answers[index] = textOf(session, served)
  }
  if (waiting.length > 0) {
    const refunds = waiting.flatMap(({ index, session }) => {
      const item = items[index]
      return item?.kind === 'event' && item.event.action === 'refund' ? [session.no] : []
    })
    const desks = await openDesks(deps, sql, {
      waiting: waiting.map(({ session }) => session),
      refunds,
      sessions,
      also,
      enough,
      outcome,
    })
    for (const [account, totals] of await readCrowded(sql, crowded)) outcome.crowded.set(account, totals)
    const isNew = new Set(opened.made)
    for (const { index, session } of waiting) {
      const item = items[index]
      if (item) answers[index] = serveAtDesk(deps, desks.of(session), item, { isNew, open: desks.open })
    }
    await savePurses(sql, desks, outcome)
  }
  await saveSessions(sql, sessions.values())
  await saveHeld(sql, outcome.held)
  await appendUsage(sql, outcome.metered)
  await saveRecords(sql, outcome.records)
  return answers
}

function need({ terms, no, plan }: Session): Terms {
  if (!terms) throw new RangeError(`plan ${plan} of session ${no} is missing`)
  return terms
}

const textOf = (session: Session, answer: string): QuotaAnswer => decodeAnswer(answer, need(session).plan)

function askedOf({ radioClass }: BatchDeps, request: QuotaRequest): Asked {
  const context = { ...request.context, radioClass: radioClass(request.context.radio) }
  return { request, context, contextKey: contextKey(context) }
}

type QuotaItem = Extract<Item, { readonly request: QuotaRequest }>

/** What needs no wallet: repeats, and updates out of what is held. Undefined for the rest. */
function serveAlone(
  session: Session,
  terms: Terms,
  item: QuotaItem,
  { deps, outcome }: { readonly deps: BatchDeps; readonly outcome: Outcome },
): string | undefined {
  const { request } = item
  const turn = turnOf(session, request.number)
  if (turn === 'repeat') return isEventAnswer(session.answer) ? UNKNOWN_SESSION : session.answer
  if (turn === 'taken' || turn === 'too-old') {
    if (turn === 'too-old') Object.assign(session, { late: session.late + 1n, moved: true })
    const before = turn === 'taken' ? answerTo(session, request.number) : undefined
    return before === undefined || isEventAnswer(before) ? answerAgain(terms, request) : before
  }
  if (turn === 'next' && item.kind === 'update' && session.state === 'open')
    return updateAgain(session, terms, askedOf(deps, request), deps.limits, outcome.metered)
      ? session.answer
      : undefined
  return undefined
}

async function openMissing(
  deps: BatchDeps,
  sql: Sql,
  items: readonly Item[],
  byKey: ReadonlyMap<string, Session>,
): Promise<{ readonly made: Session[]; readonly others: string[] }> {
  const wanted = new Map<string, { readonly request: QuotaRequest | QuotaEvent; readonly known: KnownSubscriber }>()
  for (const item of items) {
    if (item.kind === 'supervise' || item.kind === 'update' || item.kind === 'close') continue
    const request = item.kind === 'event' ? item.event : item.request
    const { key } = item
    const known = deps.subscriber(request.subscriber)
    if (known && !byKey.has(key) && !wanted.has(key)) wanted.set(key, { request, known })
  }
  if (wanted.size === 0) return { made: [], others: [] }
  const all = [...wanted.values()]
  const pools = await poolsOf(sql, [...new Set(all.map(({ known }) => known.subscriber))].sort())
  const plans = await deps.catalogue.current(
    sql,
    all.map(({ known }) => planKey(known.payer, known.plan)),
  )
  const rows = [...wanted].map(([key, { request, known }]): NewSession => {
    const { planNo, plan } = plans.get(planKey(known.payer, known.plan)) ?? deps.catalogue.flat
    const { access, radio, visitedPlmn } = request.context
    return {
      key,
      subscriber: known.subscriber,
      pool: pools.get(known.subscriber),
      tenant: known.payer,
      plan: planNo,
      opened: request.at,
      checkAt: millis(request.at + plan.grant.validity * 2000n + deps.limits.margin),
      access,
      radio,
      visitedPlmn,
    }
  })
  const made = await makeSessions(sql, rows)
  await saveDetails(
    sql,
    made.flatMap(({ no, key }): NewDetail[] => {
      const request = wanted.get(key)?.request
      return request && 'detail' in request && request.detail ? [{ session: no, detail: request.detail }] : []
    }),
  )
  const there = new Set(made.map(({ key }) => key))
  return { made, others: [...wanted.keys()].filter((key) => !there.has(key)) }
}

/** A version of a plan never changes, so that a session's terms are looked up once. */
async function learnTerms(deps: BatchDeps, sql: Sql, sessions: Iterable<Session>): Promise<void> {
  const unknown: Session[] = []
  for (const session of sessions)
    if (!session.terms)
      if (session.plan === undefined) session.terms = deps.catalogue.flat
      else unknown.push(session)
  if (unknown.length === 0) return
  const plans = await deps.catalogue.byNumber(
    sql,
    unknown.flatMap(({ plan }) => plan ?? []),
  )
  for (const session of unknown) session.terms = plans.get(session.plan ?? -1n)
}

interface DesksWanted {
  readonly waiting: readonly Session[]
  /** Sessions that a refund is asked of. */
  readonly refunds: readonly bigint[]
  readonly sessions: ReadonlyMap<bigint, Session>
  readonly also: readonly bigint[]
  readonly enough: boolean
  readonly outcome: Outcome
}

async function openDesks(
  deps: BatchDeps,
  sql: Sql,
  { waiting, refunds, sessions, also, enough, outcome }: DesksWanted,
) {
  // Any locked session of the same owners may have to give back what it does not need.
  const involved = new Set([...waiting, ...also.flatMap((number) => sessions.get(number) ?? [])])
  const subscribers = new Set([...involved].map(({ subscriber }) => subscriber))
  const pools = new Set([...involved].flatMap(({ pool }) => pool ?? []))
  for (const session of sessions.values())
    if (subscribers.has(session.subscriber) || (session.pool !== undefined && pools.has(session.pool)))
      involved.add(session)
  const wanted = [...involved].map((session): PurseWanted => {
    const { plan, currency, timeZone } = need(session)
    const accounts = session.services.flatMap(({ parts }) => parts.map(({ account }) => account))
    return {
      subscriber: session.subscriber,
      pool: session.pool,
      tenant: session.tenant,
      plan,
      currency,
      timeZone,
      accounts,
    }
  })
  const { purses, wallets, pots } = await lockPurses(sql, wanted)
  const paid = await paidBy(sql, refunds)
  const open = await openSessions(sql, [...subscribers], [...pools])
  const elsewhere = await peekServices(
    sql,
    open.flatMap(({ session_no }) => (sessions.has(session_no) ? [] : [session_no])),
  )
  const withSlack = open.filter(({ session_no }) => elsewhere.get(session_no)?.some((state) => slackOf(state) > 0n))
  const purseOf = (session: Session): Purse => {
    const { currency } = need(session)
    const purse = purses.get(purseKey({ subscriber: session.subscriber, currency }))
    if (!purse) throw new RangeError(`no purse of ${session.subscriber}`)
    return purse
  }
  const of = (session: Session): Desk => ({
    outcome,
    limits: deps.limits,
    session,
    terms: need(session),
    purse: purseOf(session),
    paid: paid.get(session.no) ?? [],
    others() {
      const shares = ({ subscriber_id, pool_id }: OpenSession): boolean =>
        subscriber_id === session.subscriber || (pool_id !== null && pool_id === session.pool)
      const toLock = withSlack.filter(shares).map(({ session_no }) => session_no)
      if (toLock.length > 0 && !enough) throw new LockFirst(toLock)
      return [...involved]
        .filter(
          (other) =>
            other !== session &&
            (other.subscriber === session.subscriber || (other.pool !== undefined && other.pool === session.pool)),
        )
        .map((other) => ({ session: other, purse: purseOf(other) }))
    },
  })
  const counts = new Map<SubscriberId, Set<bigint>>()
  for (const { subscriber_id, session_no } of open)
    counts.set(subscriber_id, (counts.get(subscriber_id) ?? new Set()).add(session_no))
  return { of, wallets, pots, open: counts }
}

interface AtDesk {
  /** Sessions made by this batch whose first request has not been served yet. */
  readonly isNew: Set<Session>
  /** Open sessions by subscriber, those made by this batch among them. */
  readonly open: ReadonlyMap<SubscriberId, Set<bigint>>
}

function serveAtDesk(deps: BatchDeps, desk: Desk, item: Item, { isNew, open }: AtDesk): ItemAnswer {
  const { session, terms } = desk
  if (item.kind === 'supervise') return supervise(desk, item.now, item.drop === true)
  if (item.kind === 'event') {
    const radioClass = deps.radioClass(item.event.context.radio)
    isNew.delete(session)
    open.get(session.subscriber)?.delete(session.no)
    return decodeEventAnswer(serveEvent(desk, item.event, radioClass))
  }
  const alone = serveAlone(session, terms, item, { deps, outcome: desk.outcome })
  if (alone !== undefined) return textOf(session, alone)
  if (isNew.delete(session)) {
    const others = [...(open.get(session.subscriber) ?? [])].filter((number) => number !== session.no)
    const waitingToo = [...isNew].filter(
      ({ subscriber, state }) => subscriber === session.subscriber && state === 'open',
    )
    if (others.length - waitingToo.length >= terms.plan.sessions) {
      const { number, at } = item.request
      const refusal = {
        state: 'closed',
        closed: at,
        checkAt: undefined,
        number,
        answer: TOO_MANY,
        moved: true,
        changed: true,
      }
      Object.assign(session, refusal)
      open.get(session.subscriber)?.delete(session.no)
      return textOf(session, TOO_MANY)
    }
  }
  const late = turnOf(session, item.request.number) === 'late'
  const answer = serve(desk, item.kind, askedOf(deps, item.request), late)
  if (session.state !== 'open') open.get(session.subscriber)?.delete(session.no)
  return textOf(session, answer)
}
