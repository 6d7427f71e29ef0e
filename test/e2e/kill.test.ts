// Five rounds of what `make soak` does a hundred times.
import { copyFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import t from 'tap'
import { killRounds } from '../soak/kill.ts'
import { verify } from '../soak/verify.ts'

/** Each a way to lose, repeat or alter something, and the words in which it must be found. */
const DAMAGE: readonly (readonly [sql: string, found: RegExp])[] = [
  ['delete from usage_event where event_id = 5', /of its events is/],
  ['update usage_event set downlink = downlink + 1 where event_id = 5', /of its events is/],
  ['update usage_counter set uplink = uplink - 1 where uplink > 0', /was answered/],
  ['update usage_counter set downlink = downlink + 1', /was sent/],
  ['delete from usage_counter where sequence > 0', /not on record/],
  ['update usage_session set incarnation = 2', /taken for 2 sessions/],
  [
    `insert into usage_event (origin, session_id, sequence, subscriber_id, radio_id, access, start_at, end_at, uplink, downlink,
       cause, received_at, flags)
     select origin, session_id, sequence, subscriber_id, radio_id, access, start_at, end_at, uplink, downlink, cause, received_at, flags
     from usage_event where event_id = 7`,
    /an event twice/,
  ],
  ['update ledger_account set debits = debits + 1 where debits > 0', /does not balance/],
  ["delete from ledger_transfer where cause = 'usage:9'", /not the sum of its transfers/],
  ['update ledger_account set remainder = remainder + 1 where debits > 0', /charged for/],
  ['delete from receipt where event_id = 11', /without its receipt/],
  ['update receipt set radio_seq = radio_seq + 100000 where event_id = 11', /have gaps/],
  ['delete from log_entry where entry_index = 3', /log entry 3 is missing/],
  ["update log_entry set entry = x'a0' where entry_index = 3", /not what its hash says/],
  ['update log_state set size = size - 1', /entries and says/],
  ['update log_checkpoint set root = zeroblob(32)', /has another root/],
  ["update stage_cursor set position = position - 1 where stage = 'rating'", /rating stopped at/],
]

t.test('kill -9 under load: what was answered is on record, and nothing twice', async (t) => {
  const ends: string[] = []
  let last = { answered: 0, events: 0n, receipts: 0n, charged: 0n }
  const folder = t.testdir()
  const left = await killRounds({
    folder,
    rounds: 5,
    seed: Date.now() % 1_000_000,
    // About 2,000 reports a second: what is looked through afterwards, damage by damage, stays small.
    pause: 100,
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
  t.ok(last.answered > 500, `${last.answered} answered`)
  t.ok(last.events > 200n, `${last.events} events`)
  t.equal(last.receipts, last.events)
  t.ok(last.charged > 0n)

  await t.test('and what would be wrong is found', async (t) => {
    for (const [sql, found] of DAMAGE) {
      const database = `${folder}/damaged.db`
      copyFileSync(left.database, database)
      const db = new Database(database)
      db.pragma('foreign_keys = off')
      db.exec(sql)
      db.close()
      const { faults } = await verify({ ...left, database })
      t.match(faults.join('\n'), found, sql)
    }
  })
})
