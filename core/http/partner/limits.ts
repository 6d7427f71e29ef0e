// Rate limit and quota of each tenant. The rate is a token bucket per node; the day's quota lies in the store, from which nodes take requests
// in small lots, so that together they never pass it.
import { fail } from '../../kernel/errors.ts'
import type { PayerId } from '../../kernel/ids.ts'
import { type Millis, millis } from '../../kernel/units.ts'
import type { Store } from '../../store/store.ts'
import { type Limits, readLimits, takeQuota } from './limits/store.ts'

/** RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10), and Retry-After where the request is refused. */
export type LimitHeaders = Record<string, string>

export interface Limiter {
  /** Counts a request; its headers. Throws `Limited` where it is one too many. */
  take(tenant: PayerId, at: Millis): Promise<LimitHeaders>
}

const DAY = 86_400_000n
/** Requests taken of the quota at once. */
const LOT = 500
/** A bucket holds so many seconds of its rate. */
const BURST = 2
/** Limits are read again after so long, milliseconds. */
const FRESH = 5000n

interface Bucket {
  limits: Limits
  readAt: Millis
  tokens: number
  filledAt: Millis
  day: Millis
  /** Requests of the quota that this node has taken and not spent. */
  lot: number
  taking: Promise<void> | undefined
  spent: boolean
}

/** Headers of a refusal travel with it. */
const refusals = new WeakMap<object, LimitHeaders>()
export const limitHeadersOf = (error: object): LimitHeaders | undefined => refusals.get(error)

export function createLimiter(store: Store, configured: Limits): Limiter {
  const buckets = new Map<PayerId, Bucket>()

  const bucketOf = async (tenant: PayerId, at: Millis): Promise<Bucket> => {
    const known = buckets.get(tenant)
    if (known && at - known.readAt < FRESH) return known
    // Before it is read: those who come meanwhile go by what was read before.
    if (known) known.readAt = at
    const limits = await store.batch((sql) => readLimits(sql, tenant, configured))
    const bucket = known ?? buckets.get(tenant) ?? newBucket(limits, at)
    bucket.limits = limits
    buckets.set(tenant, bucket)
    return bucket
  }

  const takeLot = async (tenant: PayerId, bucket: Bucket): Promise<void> => {
    const { day, limits } = bucket
    const got = await store.batch((sql) => takeQuota(sql, tenant, day, limits.perDay, LOT))
    if (bucket.day !== day) return
    bucket.lot += got
    bucket.spent = got === 0
  }

  const takeOfDay = async (tenant: PayerId, bucket: Bucket, at: Millis): Promise<boolean> => {
    const day = millis(at - (at % DAY))
    if (bucket.day !== day) Object.assign(bucket, { day, lot: 0, spent: false })
    while (bucket.lot === 0) {
      if (bucket.spent) return false
      bucket.taking ??= takeLot(tenant, bucket).finally(() => {
        bucket.taking = undefined
      })
      await bucket.taking
    }
    bucket.lot--
    return true
  }

  return {
    async take(tenant, at) {
      const bucket = await bucketOf(tenant, at)
      const { perSecond, perDay } = bucket.limits
      fill(bucket, at)
      if (bucket.tokens < 1) {
        const wait = Math.ceil((1 - bucket.tokens) / perSecond)
        return refuse({ limit: perSecond, period: 'second' }, headersOf(bucket, wait), wait)
      }
      if (!(await takeOfDay(tenant, bucket, at))) {
        // Limits may be raised within the day.
        bucket.spent = false
        const wait = Number((bucket.day + DAY - at + 999n) / 1000n)
        return refuse({ limit: perDay, period: 'day' }, headersOf(bucket, wait, 'day'), wait)
      }
      bucket.tokens--
      return headersOf(bucket, 1)
    },
  }
}

const newBucket = (limits: Limits, at: Millis): Bucket => ({
  limits,
  readAt: at,
  tokens: limits.perSecond * BURST,
  filledAt: at,
  day: millis(0n),
  lot: 0,
  taking: undefined,
  spent: false,
})

function fill(bucket: Bucket, at: Millis): void {
  const { perSecond } = bucket.limits
  const elapsed = Number(at - bucket.filledAt)
  if (elapsed > 0) bucket.tokens += (elapsed * perSecond) / 1000
  bucket.tokens = Math.min(bucket.tokens, perSecond * BURST)
  bucket.filledAt = at
}

function headersOf({ limits, tokens }: Bucket, wait: number, spent?: 'day'): LimitHeaders {
  const { perSecond, perDay } = limits
  const left = spent === undefined ? Math.max(0, Math.floor(tokens)) : 0
  return {
    'ratelimit-policy': `"second";q=${perSecond};w=1, "day";q=${perDay};w=86400`,
    ratelimit: `"${spent ?? 'second'}";r=${left};t=${wait}`,
  }
}

function refuse(context: { limit: number; period: string }, headers: LimitHeaders, wait: number): never {
  try {
    return fail('PARTNER_LIMIT', context)
  } catch (error) {
    if (error instanceof Error) refusals.set(error, { ...headers, 'retry-after': String(wait) })
    throw error
  }
}
