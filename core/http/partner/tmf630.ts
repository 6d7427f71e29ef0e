// The design guidelines of the TM Forum's APIs (TMF630): pages by offset and limit with counts in headers, and answers cut down to the members that were
// asked for.
import { Type } from 'typebox'
import type { Answer } from './contract.ts'

const LARGEST_LIMIT = 100
const LARGEST_OFFSET = 1_000_000

/** Members of every query for a list. */
export const TMF_PAGE = {
  offset: Type.Optional(Type.Integer({ minimum: 0, maximum: LARGEST_OFFSET, description: 'how many to leave out' })),
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: LARGEST_LIMIT, description: 'how many at most; 100 unless given' }),
  ),
}
/** Of every query. */
export const TMF_FIELDS = {
  fields: Type.Optional(
    Type.String({ maxLength: 500, description: 'members wanted, parted by commas; all unless given' }),
  ),
}

export interface TmfPage {
  readonly offset: number
  readonly limit: number
}

export const tmfPage = ({ offset = 0, limit = LARGEST_LIMIT }: Partial<TmfPage>): TmfPage => ({ offset, limit })

type Item = Readonly<Record<string, unknown>>

/** Id, address and type stay. */
const ALWAYS = ['id', 'href', '@type']

/** First-level members; those that an item does not have are left out. */
export function tmfFields(item: Item, fields: string | undefined): Item {
  if (fields === undefined) return item
  const wanted = new Set([...ALWAYS, ...fields.split(',').map((name) => name.trim())])
  return Object.fromEntries(Object.entries(item).filter(([name]) => wanted.has(name)))
}

/** 200 for all that there are, 206 for a part of them. */
export function tmfList(items: readonly Item[], total: number, fields: string | undefined): Answer {
  return {
    status: items.length < total ? 206 : 200,
    body: items.map((item) => tmfFields(item, fields)),
    headers: { 'x-total-count': String(total), 'x-result-count': String(items.length) },
  }
}
