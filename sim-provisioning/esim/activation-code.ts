// What a phone needs to fetch its profile (SGP.22 §4.1): where, and by which token. Whoever reads the token may be first to use it, so no
// error repeats it.
import { randomInt } from 'node:crypto'
import { fail } from '../../core/kernel/errors.ts'

export interface ActivationCode {
  /** Host name of the SM-DP+ as phones reach it. */
  readonly smdpAddress: string
  /** By which the SM-DP+ knows the order; empty when it knows the phone by its EID. */
  readonly matchingId: string
  /** Object identifier of the SM-DP+, for a phone that has to check its certificate. */
  readonly oid?: string | undefined
  /** The phone's user has to type in a confirmation code. */
  readonly confirmationCode: boolean
}

/** What stands before the code in a QR code (SGP.22 §4.1.2). */
const QR_PREFIX = 'LPA:'
const FORMAT = '1'
const MAX_LENGTH = 255
const MAX_ADDRESS = 253
const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?'
const ADDRESS = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`)
const MATCHING_ID = /^[0-9A-Z-]*$/
const OID = /^[0-2](?:\.(?:0|[1-9][0-9]*))+$/

const check = (fits: boolean, what: string, expected: string, came: string): void => {
  if (!fits) fail('ID_INVALID', { what, expected, came })
}

/** Throws ID_INVALID, in words that leave out the token. */
function checkParts({ smdpAddress, matchingId, oid }: ActivationCode): void {
  check(
    ADDRESS.test(smdpAddress) && smdpAddress.length <= MAX_ADDRESS,
    'SM-DP+ address',
    'a host name such as smdp.example.com',
    smdpAddress.slice(0, 64),
  )
  check(MATCHING_ID.test(matchingId), 'matching id', 'digits, capitals and hyphens', `${matchingId.length} characters`)
  check(
    oid === undefined || OID.test(oid),
    'object identifier of the SM-DP+',
    'numbers and points',
    `${oid?.length} characters`,
  )
}

/** The code as text, `LPA:1$…`, as a QR code carries it and as people type it. Throws ID_INVALID. */
export function formatActivationCode(code: ActivationCode): string {
  checkParts(code)
  const parts = [FORMAT, code.smdpAddress, code.matchingId]
  if (code.oid !== undefined || code.confirmationCode) parts.push(code.oid ?? '')
  if (code.confirmationCode) parts.push('1')
  const text = parts.join('$')
  check(text.length <= MAX_LENGTH, 'activation code', `at most ${MAX_LENGTH} characters`, `${text.length} characters`)
  return QR_PREFIX + text
}

/**
 * Reads a code, with or without `LPA:`. Strict: parts that later versions of SGP.22 append are refused, since this program has not made them.
 * Throws ID_INVALID.
 */
export function parseActivationCode(text: string): ActivationCode {
  const came = `${text.length} characters`
  const plain = text.startsWith(QR_PREFIX) ? text.slice(QR_PREFIX.length) : text
  check(plain.length <= MAX_LENGTH, 'activation code', `at most ${MAX_LENGTH} characters`, came)
  const [format, smdpAddress = '', matchingId, oid, confirmation, ...more] = plain.split('$')
  check(format === FORMAT, 'activation code', 'LPA:1$ADDRESS$MATCHING-ID', came)
  check(more.length === 0, 'activation code', 'at most five parts between $ signs', `${more.length + 5} parts`)
  if (matchingId === undefined)
    return fail('ID_INVALID', { what: 'activation code', expected: 'three parts between $ signs at least', came })
  check(oid !== '' || confirmation !== undefined, 'activation code', 'no empty part at its end', came)
  check(
    confirmation === undefined || confirmation === '1',
    'confirmation code flag',
    '1, or nothing',
    `${confirmation?.length} characters`,
  )
  const code = {
    smdpAddress,
    matchingId,
    ...(oid ? { oid } : {}),
    confirmationCode: confirmation === '1',
  }
  checkParts(code)
  return code
}

// Letters and digits that nobody takes for one another.
const ALPHABET = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ'
const GROUPS = 4
const GROUP_LENGTH = 5

/** A matching id that nobody can guess: 100 bits. */
export function newMatchingId(): string {
  const group = (): string => Array.from({ length: GROUP_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
  return Array.from({ length: GROUPS }, group).join('-')
}
