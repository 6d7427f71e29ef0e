// A suspended subscriber gets nothing more with its next request, whatever its sessions have set aside.
import type { SubscriberId } from '../../../core/kernel/ids.ts'
import { type Millis, microtokens } from '../../../core/kernel/units.ts'
import type { Sql } from '../../../core/store/sql.ts'
import type { WalletOwner } from '../../ledger/accounts.ts'
import { createCatalogue } from '../catalogue/store.ts'
import { giveSlack } from '../session/anew.ts'
import type { Session } from '../session/session.ts'
import { lockSessions, openSessions, saveSessions } from '../session/store.ts'
import type { Terms } from '../session/terms.ts'
import { newBook } from '../wallet/book.ts'
import { lockPurses, lockWallets, type PurseWanted, purseKey, saveEvents, savePurses } from '../wallet/store.ts'

/**
 * Stops or resumes granting. Open sessions keep no more than the grants that their peers hold, and ask the wallet with their next request. The
 * same again changes nothing.
 */
export async function suspend(sql: Sql, subscriber: SubscriberId, suspended: boolean, at: Millis): Promise<void> {
  const owner: WalletOwner = `subscriber:${subscriber}`
  // Sessions come before wallets in the order of locks.
  const sessions = suspended ? await lockOpen(sql, subscriber, new Set()) : []
  await lockWallets(sql, [
    owner,
    ...sessions.flatMap(({ pool }): WalletOwner[] => (pool === undefined ? [] : [`pool:${pool}`])),
  ])
  // Who opened one meanwhile held the wallet. Nobody else can now; where that session is locked by one who waits for the wallet, one of both is
  // run anew.
  if (suspended) sessions.push(...(await lockOpen(sql, subscriber, new Set(sessions.map(({ no }) => no)))))
  const flag = suspended ? 1n : 0n
  const changed = await sql.run(
    'update wallet set suspended = ? where owner = ? and suspended <> ?',
    ...[flag, owner, flag],
  )
  if (changed === 0) return
  await dropSlack(sql, sessions)
  const kind = suspended ? 'suspended' : 'resumed'
  await saveEvents(sql, [
    { at, subscriber, kind, account: undefined, percent: undefined, amount: undefined, unit: undefined },
  ])
}

/** Open sessions of a subscriber that were opened until `at`, by number. */
export async function sessionsUntil(sql: Sql, subscriber: SubscriberId, at: Millis): Promise<bigint[]> {
  const rows = await sql.rows<{ session_no: bigint }>(
    'select session_no from charging_session where subscriber_id = ? and closed_at is null and opened_at <= ?',
    subscriber,
    at,
  )
  return rows.map(({ session_no }) => session_no)
}

async function lockOpen(sql: Sql, subscriber: SubscriberId, known: ReadonlySet<bigint>): Promise<Session[]> {
  const open = await openSessions(sql, [subscriber], [])
  const numbers = open.map(({ session_no }) => session_no).filter((number) => !known.has(number))
  if (numbers.length === 0) return []
  return (await lockSessions(sql, { keys: [], numbers })).filter(({ state }) => state === 'open')
}

async function dropSlack(sql: Sql, sessions: readonly Session[]): Promise<void> {
  if (sessions.length === 0) return
  const catalogue = createCatalogue(microtokens(0n))
  const plans = await catalogue.byNumber(
    sql,
    sessions.flatMap(({ plan }) => plan ?? []),
  )
  const terms = new Map(
    sessions.flatMap((session): [Session, Terms][] => {
      const found = session.plan === undefined ? catalogue.flat : plans.get(session.plan)
      return found ? [[session, found]] : []
    }),
  )
  const wanted = [...terms].map(([session, { plan, currency, timeZone }]): PurseWanted => {
    const accounts = session.services.flatMap(({ parts }) => parts.map(({ account }) => account))
    const { subscriber, pool, tenant } = session
    return { subscriber, pool, tenant, plan, currency, timeZone, accounts }
  })
  const purses = await lockPurses(sql, wanted)
  for (const [session, { currency }] of terms) {
    const purse = purses.purses.get(purseKey({ subscriber: session.subscriber, currency }))
    if (!purse) throw new RangeError(`no purse of ${session.subscriber}`)
    // Without an instant until which the same grant may be given again, the wallet is asked.
    session.services = session.services.map((state) => ({ ...giveSlack(purse, state), until: 0n }))
    session.moved = true
  }
  await savePurses(sql, purses, newBook('suspension'))
  await saveSessions(sql, sessions)
}
