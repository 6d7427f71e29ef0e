// Which tables Citus may spread, checked against their definitions: a unique constraint has to hold the column that rows are spread by.
import t from 'tap'
import { distributionStatements } from '../../core/store/distribute.ts'
import { MIGRATIONS } from '../../core/store/migrate.ts'
import type { Index, Table } from '../../core/store/tables.ts'

const definitions = MIGRATIONS.flat()
const tables = definitions.filter((definition): definition is Table => 'table' in definition)
const indexes = definitions.filter((definition): definition is Index => 'index' in definition)

/** The columns of each primary key, unique constraint and unique index of a table. */
function uniqueSets({ table, columns }: Table): string[][] {
  const split = (list: string): string[] => list.split(',').map((name) => name.trim())
  const sets: string[][] = []
  for (const [, list = ''] of columns.matchAll(/\b(?:primary key|unique) \(([^)]*)\)/g)) sets.push(split(list))
  for (const [, name = ''] of columns.matchAll(
    /(\w+) (?:identity(?: forever)?|\w+(?: not null)? (?:primary key|unique))(?=,|$)/gm,
  ))
    sets.push([name])
  for (const { on, unique } of indexes)
    if (unique && on.startsWith(`${table} (`)) sets.push(split(/\(([^)]*)\)/.exec(on)?.[1] ?? ''))
  return sets
}

t.test('the definitions are read right', async (t) => {
  const sets = (name: string): string[][] => tables.filter(({ table }) => table === name).flatMap(uniqueSets)
  t.same(sets('usage_session'), [['session_no'], ['session_key']])
  t.same(sets('payout'), [['epoch', 'payer_id', 'radio_id']])
  t.same(sets('receipt'), [['radio_id', 'radio_seq'], ['entry_index'], ['event_id']])
  t.same(sets('ledger_transfer'), [['transfer_id'], ['cause']])
  for (const table of tables) t.ok(uniqueSets(table).length > 0, `${table.table} has a key`)
})

for (const table of tables) {
  const { distribute } = table
  if (distribute === undefined) continue
  t.test(`${table.table} can be spread by ${distribute}`, async (t) => {
    t.match(table.columns, new RegExp(`\\b${distribute} (integer|text|identity)`), 'it has the column')
    for (const set of uniqueSets(table)) t.ok(set.includes(distribute), `(${set.join(', ')}) holds it`)
  })
}

t.test('what is locked in sets stays in one place', async (t) => {
  // Citus takes `select … for update` of one shard only.
  const spread = new Set(distributionStatements().map(({ table }) => table))
  for (const table of [
    'usage_session',
    'usage_counter',
    'charging_session',
    'charging_counter',
    'wallet',
    'ledger_account',
    'stage_cursor',
  ])
    t.notOk(spread.has(table), table)
  for (const table of ['usage_event', 'cdr', 'charging_event', 'log_entry']) t.ok(spread.has(table), table)
})

t.test('what lies in blocks has a key of nothing but the id', async (t) => {
  for (const table of tables.filter(({ blocks }) => blocks !== undefined))
    t.same(uniqueSets(table), [[table.blocks]], table.table)
})
