// What is written before access is granted: that it was, and for which request. So a captured response, sent again, opens nothing twice, on
// any node, while a repeated request gets its answer again.
import type { SubscriberId } from '../../core/kernel/ids.ts'
import { createGroupCommit } from '../../core/store/group-commit.ts'
import type { Sql, Target } from '../../core/store/sql.ts'
import type { Store } from '../../core/store/store.ts'

export interface Grant {
  /** Hex; names the conversation. */
  readonly reference: string
  /** Request Authenticator, 16 octets. */
  readonly authenticator: Uint8Array
  readonly subscriber: SubscriberId
  readonly client: string
  readonly method: string
  readonly callingStation: string | undefined
  readonly calledStation: string | undefined
  readonly cui: string
  readonly at: bigint
  readonly expires: bigint
}

/** `replayed`: the conversation was granted before, for another request. */
export type GrantOutcome = 'granted' | 'repeated' | 'replayed'

export interface AccessStore {
  grant(grant: Grant): Promise<GrantOutcome>
  /** Deletes at most `limit` grants that ended before `before`; resolves with how many. */
  prune(before: bigint, limit: number): Promise<number>
  /** Resolves when what was asked is answered. */
  drain(): Promise<void>
}

const SESSIONS: Target = {
  table: 'access_session',
  columns: [
    'reference',
    'authenticator',
    'subscriber_id',
    'client',
    'method',
    'calling_station',
    'called_station',
    'cui',
    'granted_at',
    'expires_at',
  ],
  conflict: '(reference) do nothing',
}
const GROUP = { maxDelay: 0, maxItems: 512, inFlight: 2 } as const

interface Known {
  readonly reference: string
  readonly authenticator: Uint8Array
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

async function grantAll(sql: Sql, grants: readonly Grant[]): Promise<GrantOutcome[]> {
  // Two of one conversation in a group: the first counts, the second meets it.
  const first = new Map<string, Grant>()
  for (const grant of grants) if (!first.has(grant.reference)) first.set(grant.reference, grant)
  const rows = [...first.values()].map((grant) => [
    grant.reference,
    grant.authenticator,
    grant.subscriber,
    grant.client,
    grant.method,
    grant.callingStation ?? null,
    grant.calledStation ?? null,
    grant.cui,
    grant.at,
    grant.expires,
  ])
  const inserted = new Set(
    (await sql.insertReturning<{ reference: string }>(SESSIONS, 'reference', rows)).map(({ reference }) => reference),
  )
  const met = [...first.keys()].filter((reference) => !inserted.has(reference))
  const before = new Map<string, Uint8Array>()
  if (met.length > 0) {
    const select = 'select reference, authenticator from access_session'
    for (const row of await sql.find<Known>(select, 'reference', met)) before.set(row.reference, row.authenticator)
  }
  return grants.map((grant) => {
    const counted = first.get(grant.reference)
    if (grant === counted && inserted.has(grant.reference)) return 'granted'
    const known = before.get(grant.reference) ?? counted?.authenticator
    return known !== undefined && same(known, grant.authenticator) ? 'repeated' : 'replayed'
  })
}

export function createAccessStore(store: Store): AccessStore {
  const group = createGroupCommit<Grant, GrantOutcome>((grants) => store.batch((sql) => grantAll(sql, grants)), GROUP)
  return {
    async grant(grant) {
      const [outcome] = await group.submit([grant])
      return outcome ?? 'replayed'
    },
    prune: (before, limit) =>
      store.batch(async (sql) => {
        const old = await sql.rows<{ reference: string }>(
          'select reference from access_session where expires_at < ? order by expires_at limit ?',
          before,
          BigInt(limit),
        )
        for (const { reference } of old) await sql.run('delete from access_session where reference = ?', reference)
        return old.length
      }),
    drain: () => group.drain(),
  }
}
