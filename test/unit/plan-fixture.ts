// Reads the scenario tables of test/vectors/charging and the cells in them.
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { parsePlan } from '../../billing/charging/plan/document.ts'
import {
  type Amounts,
  ANY_SERVICE,
  type Balance,
  METERED,
  NOTHING,
  type Part,
  type Plan,
  type TariffContext,
  type TariffRule,
  type Unit,
} from '../../billing/charging/plan/plan.ts'
import type { Access } from '../../core/events/usage-event.ts'
import { type Millis, millis } from '../../core/kernel/units.ts'

const FOLDER = new URL('../vectors/charging/', import.meta.url)

/** The cell of a column. */
export type Row = (column: string) => string

/** The rows of a table, in order. */
export function tableRows(name: string): Row[] {
  const lines = readFileSync(new URL(`${name}.table`, FOLDER), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
  const [header = [], , ...rows] = lines
  if (rows.length === 0) throw new Error(`${name}.table has no rows`)
  return rows.map((cells) => {
    if (cells.length !== header.length) throw new Error(`${name}.table: '${cells[0]}' has ${cells.length} cells`)
    return (column) => cells[header.indexOf(column)] ?? missing(name, column)
  })
}

const missing = (name: string, column: string): never => {
  throw new Error(`${name}.table has no column ${column}`)
}

export const planText = (name: string): string => readFileSync(new URL(`plans/${name}.yaml`, FOLDER), 'utf8')

const plans = new Map<string, Plan>()

/** A plan of test/vectors/charging/plans. */
export function planNamed(name: string): Plan {
  const plan = plans.get(name) ?? parsePlan(parse(planText(name)))
  plans.set(name, plan)
  return plan
}

/** `data/night` is the rule night of plans/data.yaml; `data/-` is none. */
export function ruleNamed(cell: string): { plan: Plan; rule: TariffRule | undefined } {
  const [name = '', rule] = cell.split('/')
  const plan = planNamed(name)
  const found = plan.tariffs.find((one) => one.name === rule)
  if (!found && rule !== '-') throw new Error(`there is no rule ${cell}`)
  return { plan, rule: found }
}

export const instant = (cell: string): Millis => millis(Date.parse(cell))
export const instantOrNone = (cell: string): Millis | undefined => (cell === '' ? undefined : instant(cell))

const SUFFIXES: Readonly<Record<string, readonly [Unit, bigint]>> = {
  '': ['money', 1_000_000n],
  B: ['octet', 1n],
  kB: ['octet', 1_000n],
  MB: ['octet', 1_000_000n],
  GB: ['octet', 1_000_000_000n],
  s: ['second', 1n],
  min: ['second', 60n],
  msg: ['message', 1n],
}

/** `1.5 GB`, `90 s`, `2 msg`; without a unit it is money: `2.00`. */
export function quantity(cell: string): { unit: Unit; amount: bigint } {
  const [, sign, whole = '', places = '', suffix = ''] =
    /^(-?)([0-9]+)(?:\.([0-9]{1,6}))?(?: ([A-Za-z]+))?$/.exec(cell) ?? []
  const [unit, scale] = SUFFIXES[suffix] ?? missing('a cell', cell)
  if (whole === '') throw new Error(`'${cell}' is no amount`)
  const exact = BigInt(whole + places.padEnd(6, '0')) * scale
  if (exact % 1_000_000n !== 0n) throw new Error(`'${cell}' is no whole number`)
  return { unit, amount: ((sign === '-' ? -1n : 1n) * exact) / 1_000_000n }
}

/** `1 GB + 60 s`; `-` is nothing. */
export function amounts(cell: string): Amounts & { money: bigint } {
  const sum = { ...NOTHING, money: 0n }
  if (cell !== '-') for (const term of cell.split(' + ')) sum[quantity(term).unit] += quantity(term).amount
  return sum
}

const items = (cell: string): string[] => (cell === '-' || cell === '' ? [] : cell.split('; '))

/** `#2 600 MB; #1 0.80` */
export const parts = (cell: string): Part[] =>
  items(cell).map((item) => {
    const [account = '', ...rest] = item.split(' ')
    return { account: BigInt(account.slice(1)), ...quantity(rest.join(' ')) }
  })

/** `#1 bundle 1 GB until 2026-12-01 priority 2 groups 10,20 access lte,nr zones home; #2 money 5.00` */
export const balances = (cell: string): Balance[] =>
  items(cell).map((item) => {
    const [head = '', ...conditions] = item.split(/ (?=until|priority|groups|access|zones)/)
    const [, account = '', kind = '', amount = ''] = /^#([0-9]+) (bundle|money|credit) (.+)$/.exec(head) ?? []
    const { unit, amount: available } = quantity(amount)
    const given = Object.fromEntries(conditions.map((condition) => condition.split(' ')))
    return {
      account: BigInt(account),
      kind: kind as Balance['kind'],
      unit,
      available,
      granted: available,
      priority: Number(given.priority ?? 100),
      expires: given.until === undefined ? undefined : instant(given.until),
      when: {
        ...ANY_SERVICE,
        access: given.access?.split(',') as Access[] | undefined,
        ratingGroups: given.groups?.split(',').map(BigInt),
        zones: given.zones?.split(','),
      },
    }
  })

export const NOON = instant('2026-11-20T12:00Z')
export const AT_HOME: TariffContext = { access: 'lte', radio: undefined, radioClass: undefined, visitedPlmn: undefined }
export const sum = (list: readonly { amount: bigint }[]): bigint =>
  list.reduce((total, { amount }) => total + amount, 0n)
export const meteredOf = (from: Amounts): Amounts =>
  Object.fromEntries(METERED.map((unit) => [unit, from[unit]])) as Record<(typeof METERED)[number], bigint>
