// Five rounds of what `make soak` does a hundred times.
import t from 'tap'
import { killRounds } from '../soak/kill.ts'

t.test('kill -9 under load: what was answered is on record, and nothing twice', async (t) => {
  const ends: string[] = []
  let last = { answered: 0, events: 0n, receipts: 0n, charged: 0n }
  await killRounds({
    folder: t.testdir(),
    rounds: 5,
    seed: Date.now() % 1_000_000,
    onRound(round) {
      ends.push(round.end)
      last = round
      t.same(
        round.faults,
        [],
        `round ${round.number}, ${round.end} after ${round.after} ms, ${round.answered} answered`,
      )
    },
  })
  t.equal(ends.length, 6)
  t.equal(ends.at(-1), 'stopped')
  t.ok(last.answered > 1000, `${last.answered} answered`)
  t.ok(last.events > 500n, `${last.events} events`)
  t.equal(last.receipts, last.events)
  t.ok(last.charged > 0n)
})
