// How large the next block of the usage journal is.
import t from 'tap'
import { blockSize } from '../../core/store/blocks.ts'
import { SMALLEST_BLOCK } from '../../core/store/tables.ts'

const HOUR = 3_600_000n

t.test('a block holds what comes in 30 days, and never fewer ids than the smallest', async (t) => {
  for (const [ids, elapsed, size] of [
    [0n, 0n, SMALLEST_BLOCK],
    [1000n, 1000n * HOUR, SMALLEST_BLOCK],
    [5_000_000n, 720n * HOUR, SMALLEST_BLOCK],
    [5_000_000n, 72n * HOUR, 50_000_000n],
    [5_000_000n, HOUR, 3_600_000_000n],
    [1n, -5n, SMALLEST_BLOCK],
  ] as const)
    t.equal(blockSize(ids, elapsed), size, `${ids} in ${elapsed} ms`)
  t.ok(blockSize(20_000_000n, 0n) < 1n << 40n, 'no rate is believed that a clock alone makes')
})
