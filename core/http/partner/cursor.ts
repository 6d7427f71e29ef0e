// Cursors of pages: opaque to partners, the position of the last item to us. They name the list that they belong to, so that one of another list
// is refused and does not give nonsense.
import { fail } from '../../kernel/errors.ts'

const MOST = 512

export const encodeCursor = (list: string, position: string): string =>
  Buffer.from(JSON.stringify([list, position])).toString('base64url')

/** Throws PARTNER_REQUEST_INVALID. */
export function decodeCursor(list: string, cursor: string): string {
  const parsed = cursor.length <= MOST ? parse(cursor) : undefined
  if (Array.isArray(parsed) && parsed.length === 2 && parsed[0] === list && typeof parsed[1] === 'string')
    return parsed[1]
  return fail('PARTNER_REQUEST_INVALID', { count: 1, problems: 'cursor: it is not one that this list has given' })
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    return undefined
  }
}
