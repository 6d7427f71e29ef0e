// The services of a session as octets. Every request rewrites them, so they are small, that many rows share a page, and quick to
// write: whole numbers in groups of seven bits, the lowest first, as in LEB128, with the sign in the lowest bit. What each request changes
// comes first, then what only the wallet changes.
import type { Held, ServiceState, SessionFields } from './state.ts'

type Stored = Pick<SessionFields, 'records' | 'recordFrom' | 'services'>

/** Where each number that moves stands; what the parts have spent follows. */
export const CELL = {
  remainder: 0,
  chargedOctets: 1,
  chargedMoney: 2,
  first: 3,
  last: 4,
  uplink: 5,
  downlink: 6,
  seconds: 7,
  messages: 8,
  charge: 9,
  bundled: 10,
  free: 11,
  spent: 12,
} as const

/** A service whose moving numbers stand in cells. */
interface Cells {
  readonly cells: BigInt64Array
  /** The cells as halves, the lower first: to be read without making a bigint. */
  readonly halves: Int32Array
  /** `encodeFixed` of the service. */
  readonly fixed: Uint8Array
}

const KINDS = ['bundle', 'money', 'credit'] as const
const UNITS = ['octet', 'second', 'message', 'money'] as const

/** Numbers below it are exact as doubles when doubled. */
const EXACT = 1n << 52n
const EXACT_HIGH = 2 ** 20
const LOW = 2 ** 28

let octets = new Uint8Array(1024)
let at = 0

function room(): void {
  if (at + 16 > octets.length) grow()
}

function grow(): void {
  const larger = new Uint8Array(octets.length * 2)
  larger.set(octets)
  octets = larger
}

/** A whole number below 2³². */
function putSmall(value: number): void {
  let rest = value
  while (rest > 127) {
    octets[at++] = (rest & 127) | 128
    rest >>>= 7
  }
  octets[at++] = rest
}

function put(value: bigint): void {
  room()
  if (value < 0n || value >= EXACT) {
    putLarge(value < 0n ? -value * 2n - 1n : value * 2n)
    return
  }
  putDouble(Number(value) * 2)
}

/** A whole number, exact as a double. */
function putDouble(double: number): void {
  const high = Math.floor(double / LOW)
  const low = double - high * LOW
  if (high === 0) {
    putSmall(low)
    return
  }
  octets[at++] = (low & 127) | 128
  octets[at++] = ((low >>> 7) & 127) | 128
  octets[at++] = ((low >>> 14) & 127) | 128
  octets[at++] = (low >>> 21) | 128
  putSmall(high)
}

function putLarge(value: bigint): void {
  let rest = value
  while (rest > 127n) {
    octets[at++] = Number(rest & 127n) | 128
    rest >>= 7n
  }
  octets[at++] = Number(rest)
}

/** Undefined is 0, everything else one more. */
const putOptional = (value: bigint | undefined): void => put(value === undefined ? 0n : value + 1n)

/** A cell of a tally: as `put`, mostly without a bigint. */
function putCell({ cells, halves }: Cells, index: number): void {
  const high = halves[2 * index + 1] ?? 0
  if (high < 0 || high >= EXACT_HIGH) put(cells[index] ?? 0n)
  else {
    room()
    putDouble((high * 2 ** 32 + ((halves[2 * index] ?? 0) >>> 0)) * 2)
  }
}

/** `tallies`, where there are any, instead of `services`. */
export function encodeServices(session: Stored & { readonly tallies?: readonly Cells[] | undefined }): Uint8Array {
  const { records, recordFrom, tallies } = session
  at = 0
  put(records)
  put(recordFrom)
  if (tallies) {
    put(BigInt(tallies.length))
    for (const tally of tallies) putTally(tally)
  } else {
    put(BigInt(session.services.length))
    for (const service of session.services) {
      putMoving(service)
      putFixed(service)
    }
  }
  return written()
}

/** What the hot path does not change of a service, as `encodeServices` writes it. */
export function encodeFixed(service: ServiceState): Uint8Array {
  at = 0
  putFixed(service)
  return written()
}

function written(): Uint8Array {
  // From the pool of Buffer: an array of its own would cost more than all its octets.
  const copy = Buffer.allocUnsafe(at)
  copy.set(octets.subarray(0, at))
  return copy
}

function putTally(tally: Cells): void {
  const { cells, fixed } = tally
  for (let index = 0; index < cells.length; index++) {
    if (index === CELL.spent) put(BigInt(cells.length - CELL.spent))
    putCell(tally, index)
  }
  if (cells.length === CELL.spent) put(0n)
  while (at + fixed.length > octets.length) grow()
  octets.set(fixed, at)
  at += fixed.length
}

function putMoving({ remainder, chargedOctets, chargedMoney, used, parts }: ServiceState): void {
  put(remainder)
  put(chargedOctets)
  put(chargedMoney)
  put(used.first)
  put(used.last)
  put(used.uplink)
  put(used.downlink)
  put(used.seconds)
  put(used.messages)
  put(used.charge)
  put(used.bundled)
  put(used.free)
  put(BigInt(parts.length))
  for (const { spent } of parts) put(spent)
}

function putFixed(service: ServiceState): void {
  put(service.ratingGroup)
  put(BigInt(service.rule))
  putOptional(service.octets)
  putOptional(service.seconds)
  putOptional(service.units)
  put(service.validity)
  putOptional(service.threshold)
  put(service.throttled ? 1n : 0n)
  putOptional(service.change)
  put(service.step)
  put(service.until)
  put(service.settled)
  put(service.heldOctets)
  put(service.heldMoney)
  for (const { account, kind, unit, held } of service.parts) {
    put(account)
    put(BigInt(KINDS.indexOf(kind) * UNITS.length + UNITS.indexOf(unit)))
    put(held)
  }
}

/** The inverse of `encodeServices`. Throws a RangeError where the octets end early or go on. */
export function decodeServices(stored: Uint8Array): Stored {
  let from = 0
  const get = (): bigint => {
    let value = 0n
    let scale = 1
    let exact = 0
    let shift = 0n
    for (;;) {
      const octet = stored[from++]
      if (octet === undefined) throw new RangeError('the services of a session end early')
      // Six groups fit a double with room to spare; what is beyond them is rare.
      if (scale <= LOW * 2 ** 14) {
        exact += (octet & 127) * scale
        scale *= 128
      } else {
        if (shift === 0n) {
          value = BigInt(exact)
          shift = BigInt(Math.log2(scale))
        }
        value |= BigInt(octet & 127) << shift
        shift += 7n
      }
      if (octet < 128) break
    }
    if (shift === 0n) value = BigInt(exact)
    return (value & 1n) === 0n ? value >> 1n : -((value + 1n) >> 1n)
  }
  const getOptional = (): bigint | undefined => {
    const value = get()
    return value === 0n ? undefined : value - 1n
  }
  const getPart = (spent: bigint): Held => {
    const account = get()
    const code = Number(get())
    const kind = KINDS[Math.floor(code / UNITS.length)]
    const unit = UNITS[code % UNITS.length]
    if (!kind || !unit) throw new RangeError(`no kind of balance has the number ${code}`)
    return { account, kind, unit, held: get(), spent }
  }
  const getService = (): ServiceState => {
    const moving = {
      remainder: get(),
      chargedOctets: get(),
      chargedMoney: get(),
      used: {
        first: get(),
        last: get(),
        uplink: get(),
        downlink: get(),
        seconds: get(),
        messages: get(),
        charge: get(),
        bundled: get(),
        free: get(),
      },
    }
    const spent = Array.from({ length: Number(get()) }, get)
    return {
      ...moving,
      ratingGroup: get(),
      rule: Number(get()),
      octets: getOptional(),
      seconds: getOptional(),
      units: getOptional(),
      validity: get(),
      threshold: getOptional(),
      throttled: get() === 1n,
      change: getOptional(),
      step: get(),
      until: get(),
      settled: get(),
      heldOctets: get(),
      heldMoney: get(),
      parts: spent.map(getPart),
    }
  }
  const [records, recordFrom] = [get(), get()]
  const services = Array.from({ length: Number(get()) }, getService)
  if (from !== stored.length) throw new RangeError('the services of a session go on after their end')
  return { records, recordFrom, services }
}
