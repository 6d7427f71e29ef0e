// Whose subscriber is it?
import { fail } from '../../core/kernel/errors.ts'
import type { PayerId } from '../../core/kernel/ids.ts'
import type { Sql } from '../../core/store/sql.ts'
import { needProfile, type Profile } from '../charging/commands/store.ts'

/** Throws SUBSCRIBER_UNKNOWN, also for another tenant's. */
export async function ownProfile(sql: Sql, tenant: PayerId, id: string): Promise<Profile> {
  const profile = await needProfile(sql, id)
  return profile.tenant === tenant ? profile : fail('SUBSCRIBER_UNKNOWN', { subscriber: profile.subscriber })
}
