// Lists that may be long are shown a page at a time, everywhere by the same two options.
import { fail } from '../kernel/errors.ts'
import type { Page } from '../store/page.ts'
import type { Input, OptionSpec } from './command.ts'

const MAX_LIMIT = 10_000

export const PAGE_OPTIONS = {
  limit: { value: 'N', summary: `rows at most, 1 to ${MAX_LIMIT}`, default: '100' },
  after: { value: 'ID', summary: 'list what comes after this id' },
} as const satisfies Record<string, OptionSpec>

/** Reads the options of `PAGE_OPTIONS`; throws `ID_INVALID`. */
export function readPage({ options }: Input): Page {
  const text = options.limit ?? PAGE_OPTIONS.limit.default
  const limit = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > MAX_LIMIT)
    fail('ID_INVALID', { what: '--limit', expected: `a number from 1 to ${MAX_LIMIT}`, came: text.slice(0, 64) })
  return { limit, after: options.after }
}

/** The line under a page that others follow; empty after the last. `command` is what listed it. */
export const moreLine = (command: string, last: string | undefined): string =>
  last === undefined ? '' : `\nThere are more: tallycell ${command} --after ${last}`
