// Which tenant an identifier belongs to. A tenant without ranges of a kind may use any that is in nobody's range.
import { fail } from '../../../core/kernel/errors.ts'
import { type PayerId, payerId } from '../../../core/kernel/ids.ts'
import type { Millis } from '../../../core/kernel/units.ts'
import type { Sql, Target } from '../../../core/store/sql.ts'
import type { Store } from '../../../core/store/store.ts'
import { type MncDigits, mncDigits } from '../home-imsi.ts'

export const RANGE_KINDS = ['imsi', 'iccid', 'msisdn'] as const
export type RangeKind = (typeof RANGE_KINDS)[number]

export interface NumberRange {
  readonly rangeNo: bigint
  readonly tenant: PayerId
  readonly kind: RangeKind
  /** First and last, decimal digits of one length; an ICCID without its check digit. */
  readonly first: string
  readonly last: string
  /** Of IMSI ranges only. */
  readonly mncDigits: MncDigits | undefined
  /** The first that was never given out; beyond `last` when none is left. */
  readonly next: string
}

export type NewRange = Pick<NumberRange, 'tenant' | 'kind' | 'first' | 'last' | 'mncDigits'>

const RANGE: Target = {
  table: 'number_range',
  columns: ['tenant_id', 'kind', 'first', 'last', 'mnc_digits', 'next', 'created_at'],
}
const LENGTHS: Readonly<Record<RangeKind, readonly [number, number]>> = {
  imsi: [15, 15],
  iccid: [17, 19],
  msisdn: [5, 15],
}

interface Row {
  readonly range_no: bigint
  readonly tenant_id: string
  readonly kind: RangeKind
  readonly first: string
  readonly last: string
  readonly mnc_digits: bigint | null
  readonly next: string
}

const rangeOf = (row: Row): NumberRange => ({
  rangeNo: row.range_no,
  tenant: payerId(row.tenant_id),
  kind: row.kind,
  first: row.first,
  last: row.last,
  mncDigits: row.mnc_digits === null ? undefined : mncDigits(String(row.mnc_digits)),
  next: row.next,
})

/** Gives a range to a tenant. Throws ID_INVALID or RANGE_OVERLAPS. */
export async function addRange(store: Store, range: NewRange, now: Millis): Promise<void> {
  const { tenant, kind, first, last, mncDigits: length } = range
  const [least, most] = LENGTHS[kind]
  const fits = (text: string): boolean => /^[0-9]+$/.test(text) && text.length >= least && text.length <= most
  if (!fits(first) || !fits(last) || first.length !== last.length || first > last)
    fail('ID_INVALID', {
      what: `${kind} range`,
      expected: `first and last of one length, ${least} to ${most} digits, in order`,
      came: `${first.length} and ${last.length} digits`,
    })
  if ((kind === 'imsi') !== (length !== undefined))
    fail('ID_INVALID', {
      what: `${kind} range`,
      expected: kind === 'imsi' ? 'the length of the MNC' : 'no length of an MNC',
      came: length === undefined ? 'none' : String(length),
    })
  await store.batch(async (sql) => {
    await sql.journal('number_range')
    const row = await sql.row<Row>(
      'select * from number_range where kind = ? and length(first) = ? and first <= ? and last >= ? limit 1',
      kind,
      BigInt(first.length),
      last,
      first,
    )
    if (row) fail('RANGE_OVERLAPS', { first, last, other: `${row.first} to ${row.last} of ${row.tenant_id}` })
    await sql.insert(RANGE, [[tenant, kind, first, last, length === undefined ? null : BigInt(length), first, now]])
  })
}

export async function listRanges(sql: Sql): Promise<NumberRange[]> {
  const rows = await sql.rows<Row>('select * from number_range order by kind, first')
  return rows.map(rangeOf)
}

/** Takes `count` identifiers that were never given out from the tenant's ranges of this kind, in order. Throws RANGE_EXHAUSTED. */
export async function takeNumbers(
  sql: Sql,
  tenant: PayerId,
  kind: RangeKind,
  count: number,
): Promise<{ readonly digits: string; readonly mncDigits: MncDigits | undefined }[]> {
  await sql.journal('number_range')
  const rows = await sql.rows<Row>(
    'select * from number_range where tenant_id = ? and kind = ? order by first',
    tenant,
    kind,
  )
  const taken: { digits: string; mncDigits: MncDigits | undefined }[] = []
  for (const range of rows.map(rangeOf)) {
    const { first, last, next } = range
    const left = BigInt(last) - BigInt(next) + 1n
    const wanted = BigInt(count - taken.length)
    const use = left < wanted ? left : wanted
    if (use <= 0n) continue
    for (let n = 0n; n < use; n++)
      taken.push({ digits: String(BigInt(next) + n).padStart(first.length, '0'), mncDigits: range.mncDigits })
    // One digit longer when the range ends in nines: still more than `last` as a number, which is how it is compared.
    const rest = String(BigInt(next) + use).padStart(first.length, '0')
    await sql.run('update number_range set next = ? where range_no = ?', rest, range.rangeNo)
  }
  if (taken.length < count)
    fail('RANGE_EXHAUSTED', { what: kind.toUpperCase(), tenant, left: taken.length, wanted: count })
  return taken
}

export interface RangeBook {
  /** The range of an identifier of this tenant, undefined where it has none of this kind. Throws RANGE_FOREIGN. */
  check(kind: RangeKind, digits: string): NumberRange | undefined
}

/** The ranges as one tenant sees them, for many questions. */
export function createRangeBook(ranges: readonly NumberRange[], tenant: PayerId): RangeBook {
  const byKind = new Map<RangeKind, NumberRange[]>()
  for (const range of ranges) byKind.set(range.kind, [...(byKind.get(range.kind) ?? []), range])
  const own = new Set(ranges.flatMap((range) => (range.tenant === tenant ? [range.kind] : [])))
  return {
    check(kind, digits) {
      const found = find(byKind.get(kind) ?? [], digits)
      if (found ? found.tenant === tenant : !own.has(kind)) return found
      return fail('RANGE_FOREIGN', { what: kind.toUpperCase(), came: `${digits.slice(0, 6)}…`, tenant })
    },
  }
}

/** `ranges` in order of `first`, none overlapping another of its length. */
function find(ranges: readonly NumberRange[], digits: string): NumberRange | undefined {
  return ranges.find(({ first, last }) => first.length === digits.length && first <= digits && digits <= last)
}
