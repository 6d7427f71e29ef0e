// A service on the hot path: what the same grant once more changes is counted in cells of 64 bits, in place, so that a request leaves no
// numbers behind for the garbage collector; what it does not change is encoded once.
import { ANY_SERVICE, type Balance } from '../plan/plan.ts'
import { encodeLines, encodeService } from './answer.ts'
import { CELL, encodeFixed } from './services-codec.ts'
import type { ServiceState } from './state.ts'

/** No sum passes it: two of them fit a cell. */
export const MOST = 1n << 62n

type Available = { -readonly [Key in keyof Balance]: Balance[Key] }

export class Tally {
  readonly cells: BigInt64Array
  /** The same octets in halves, as the codec reads them. */
  readonly halves: Int32Array
  /** `encodeFixed` of the state. */
  readonly fixed: Uint8Array
  /** The grant, as a line of the stored answer. */
  readonly line: string
  /** The stored answer to a request for this service alone. */
  readonly alone: string
  /** The last instant at which the grant may be given again. */
  readonly until: bigint
  /** What the parts still can pay. */
  readonly balances: readonly Available[]
  /** As the wallet left it, or as it was read. */
  readonly state: ServiceState

  constructor(state: ServiceState) {
    const { used, parts } = state
    this.state = state
    this.cells = new BigInt64Array(CELL.spent + parts.length)
    this.halves = new Int32Array(this.cells.buffer)
    this.cells.set([
      ...[state.remainder, state.chargedOctets, state.chargedMoney, used.first, used.last, used.uplink, used.downlink],
      ...[used.seconds, used.messages, used.charge, used.bundled, used.free, ...parts.map(({ spent }) => spent)],
    ])
    this.fixed = encodeFixed(state)
    this.line = encodeService({
      ratingGroup: state.ratingGroup,
      result: 'granted',
      granted: { octets: state.octets, seconds: state.seconds, units: state.units },
      validity: state.validity,
      threshold: state.threshold,
      final: false,
      tariffChange: state.change,
      throttled: state.throttled,
    })
    this.alone = encodeLines('success', [this.line])
    this.until = state.until - state.validity * 1000n
    this.balances = parts.map(({ account, kind, unit, held, spent }) => ({
      account,
      kind,
      unit,
      available: held - spent,
      granted: 0n,
      priority: 0,
      expires: undefined,
      when: ANY_SERVICE,
    }))
  }

  get(cell: number): bigint {
    return this.cells[cell] ?? 0n
  }

  add(cell: number, amount: bigint): void {
    if (amount !== 0n) this.cells[cell] = this.get(cell) + amount
  }

  toState(): ServiceState {
    return {
      ...this.state,
      parts: this.state.parts.map((part, index) => ({ ...part, spent: this.get(CELL.spent + index) })),
      remainder: this.get(CELL.remainder),
      chargedOctets: this.get(CELL.chargedOctets),
      chargedMoney: this.get(CELL.chargedMoney),
      used: {
        first: this.get(CELL.first),
        last: this.get(CELL.last),
        uplink: this.get(CELL.uplink),
        downlink: this.get(CELL.downlink),
        seconds: this.get(CELL.seconds),
        messages: this.get(CELL.messages),
        charge: this.get(CELL.charge),
        bundled: this.get(CELL.bundled),
        free: this.get(CELL.free),
      },
    }
  }
}

/** Whether all its sums fit cells. */
export const canTally = ({ remainder, chargedOctets, chargedMoney, used, parts }: ServiceState): boolean =>
  [remainder, chargedOctets, chargedMoney, ...Object.values(used), ...parts.map(({ held }) => held)].every(
    (sum: bigint) => sum >= 0n && sum < MOST,
  )
