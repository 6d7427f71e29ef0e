// One line of the table and of results.json.

export interface BenchRow {
  readonly id: string
  /** Null when it could not be measured. */
  readonly value: number | null
  readonly unit: string
  /** The program beside ours, or why there is none. */
  readonly peer: string
  readonly peerValue: number | null
  /** Ours to the peer's, where that is the better the higher. */
  readonly ratio: number | null
  /** A number is the least acceptable value; a text says it in words. */
  readonly target: number | string
  readonly met: boolean
}

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

/** A row that needs a multiple of the peer. Without the peer there is nothing to compare with, so it is not met. */
export function against(
  { id, unit, value }: Pick<BenchRow, 'id' | 'unit' | 'value'>,
  peer: { readonly name: string; readonly value: number | null },
  times: number,
): BenchRow {
  const ratio = value === null || peer.value === null ? null : Math.round((value / peer.value) * 100) / 100
  return {
    id,
    value: value === null ? null : Math.round(value),
    unit,
    peer: peer.name,
    peerValue: peer.value === null ? null : Math.round(peer.value),
    ratio,
    target: `>= ${times} x peer`,
    met: ratio !== null && ratio >= times,
  }
}

/** A row with an upper bound. */
export function atMost(
  { id, unit, value }: Pick<BenchRow, 'id' | 'unit' | 'value'>,
  peer: { readonly name: string; readonly value: number | null },
  bound: number,
): BenchRow {
  return {
    id,
    value,
    unit,
    peer: peer.name,
    peerValue: peer.value,
    ratio: null,
    target: `<= ${bound} ${unit}`,
    met: value !== null && value <= bound,
  }
}
