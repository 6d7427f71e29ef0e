// What must never reach a log: long-term keys, passwords, and whatever names a person. Names are judged by key at any depth, and
// digits that look like an IMSI wherever they stand in a text.

export const REDACTED = '[redacted]'

/** Keys whose value is hidden, without case, '-' and '_'. */
const HIDDEN = new Set([
  ...[
    'k',
    'ki',
    'op',
    'opc',
    'top',
    'topc',
    'pin',
    'pin1',
    'pin2',
    'puk',
    'puk1',
    'puk2',
    'adm',
    'adm1',
    'kic1',
    'kid1',
    'kik1',
    'kek',
    'seed',
    'token',
    'cookie',
    'authorization',
  ],
  ...['imsi', 'supi', 'suci', 'msisdn', 'iccid', 'username', 'callingstationid', 'chargeableuseridentity'],
])
const HIDDEN_ENDINGS = ['secret', 'password', 'passphrase', 'privatekey', 'secretkey', 'kek']
const MAX_DEPTH = 8

/** True when the value under this key is never logged. */
export function isHiddenKey(key: string): boolean {
  const plain = key.replace(/[-_]/g, '').toLowerCase()
  return HIDDEN.has(plain) || HIDDEN_ENDINGS.some((ending) => plain.endsWith(ending))
}

// An IMSI has 14 or 15 digits in practice; an EAP-AKA identity puts one more before it.
const DIGITS = /(?<![0-9])([0-9]{5})([0-9]{9,11})(?![0-9])/g

/** Keeps the first five digits (country and network) of whatever may be an IMSI. */
export function maskDigits(text: string): string {
  return text.replace(DIGITS, (_all, plmn: string, rest: string) => plmn + '*'.repeat(rest.length))
}

const hide = (text: string): string => maskDigits(text.includes('://') ? withoutPassword(text) : text)

/** Hides the password in whatever may be an address, written before its `@` or as a parameter. */
export function withoutPassword(text: string): string {
  return text
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/?#@]*):\S*@/gi, `$1:${REDACTED}@`)
    .replace(/([?&](?:ssl)?password=)[^&\s]*/gi, `$1${REDACTED}`)
}

/** A copy of `value` that JSON can carry and a log may keep. Total: never throws, whatever it is given. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return hide(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`
  if (typeof value !== 'object' || value === null) return value
  if (depth >= MAX_DEPTH) return '[too deep]'
  if (value instanceof Error) return redactError(value, depth)
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} octets]`
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString()
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1))
  const prototype: unknown = Object.getPrototypeOf(value)
  // The insides of a class are not meant for a log: a key or a socket would show everything it has.
  if (prototype !== Object.prototype && prototype !== null) return `[${value.constructor?.name ?? 'object'}]`
  return redactEntries(value, depth)
}

function redactEntries(value: object, depth: number): Record<string, unknown> {
  const copy: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) copy[key] = isHiddenKey(key) ? REDACTED : redact(item, depth + 1)
  return copy
}

function redactError(error: Error, depth: number): Record<string, unknown> {
  const extra = redactEntries({ ...error }, depth)
  return {
    type: error.name,
    message: hide(error.message),
    ...(error.stack === undefined ? {} : { stack: hide(error.stack) }),
    ...extra,
    ...(error.cause === undefined ? {} : { cause: redact(error.cause, depth + 1) }),
  }
}
