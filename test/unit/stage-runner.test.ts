// What the runner of stages does with errors: those of a row cost that row, all others cost time.
import t from 'tap'
import { createStageRunner, mayBeOfRow, type Stage } from '../../core/events/journal.ts'
import { fail } from '../../core/kernel/errors.ts'
import { createLogger } from '../../core/log/logger.ts'

const RUN = { batch: 4, crowdedBatch: 2, idle: 1, patience: 1 }

/** A journal of numbers; `judge` throws for those that it does not like. */
function journal(rows: readonly number[], judge: (row: number) => void) {
  const seen = { taken: [] as number[], aside: [] as string[], position: 0 }
  const stage: Stage = {
    name: 'numbers',
    async step(limit = 4) {
      const batch = rows.slice(seen.position, seen.position + limit)
      for (const row of batch) judge(row)
      seen.taken.push(...batch)
      seen.position += batch.length
      return batch.length
    },
    async setAside(reason) {
      const row = rows[seen.position]
      if (row === undefined) return undefined
      seen.position++
      seen.aside.push(`${row}: ${reason}`)
      return `${row}`
    },
  }
  const runner = createStageRunner([stage], { log: createLogger({ level: 'silent' }), busy: () => false }, RUN)
  return { seen, runner }
}

const NUMBERS = [1, 2, 3, 4, 5, 6, 7, 8, 9]

t.test('a row that fails by itself is set aside, all others are taken in order', async (t) => {
  const { seen, runner } = journal(NUMBERS, (row) => {
    if (row === 3 || row === 7) throw new RangeError('odd')
  })
  await runner.drain()
  t.same(seen.taken, [1, 2, 4, 5, 6, 8, 9])
  t.same(seen.aside, ['3: odd', '7: odd'])
  t.equal(runner.health?.(), undefined)
})

t.test('a row that fails in company or for a moment only is taken', async (t) => {
  let failures = 0
  const { seen, runner } = journal(NUMBERS, (row) => {
    if (row === 5 && failures++ < 3) throw new RangeError('not now')
  })
  await runner.drain()
  t.same(seen, { taken: NUMBERS, aside: [], position: 9 })
})

t.test('nothing is set aside while the database is the matter', async (t) => {
  let locked = true
  const { seen, runner } = journal(NUMBERS, () => {
    if (locked) fail('STORE_LOCKED', { path: 'x' })
  })
  await t.rejects(runner.drain(), { code: 'STORE_LOCKED' })
  t.match(runner.health?.(), /stage numbers fails/)
  locked = false
  await runner.drain()
  t.same(seen, { taken: NUMBERS, aside: [], position: 9 })
  t.equal(runner.health?.(), undefined)
})

t.test('whose error it is', async (t) => {
  const coded = (code: string): Error => Object.assign(new Error(code), { code })
  const cases: readonly [unknown, boolean][] = [
    [new TypeError('x'), true],
    ['thrown text', true],
    [coded('22003'), true],
    [coded('23505'), true],
    [coded('40001'), false],
    [coded('57P01'), false],
    [coded('SQLITE_CONSTRAINT_CHECK'), true],
    [coded('SQLITE_FULL'), false],
    [coded('SQLITE_ERROR'), false],
    [coded('ENOSPC'), false],
    [coded('ERR_OUT_OF_RANGE'), true],
  ]
  for (const [error, expected] of cases) t.equal(mayBeOfRow(error), expected, String(error))
})
