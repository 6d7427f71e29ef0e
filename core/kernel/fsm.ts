// State machines as tables: the rows are the documentation, one loop runs them, and the diagram is drawn from them.

/** In state `from`, event `on` leads to `to` and asks the shell for `effects`. */
export interface Transition<State extends string, Event extends string, Effect extends string> {
  readonly from: State
  readonly on: Event
  readonly to: State
  readonly effects?: readonly Effect[]
}

/** `legal` is false when the table has no row for the event: the state is unchanged, and the caller counts and logs it. */
export interface Step<State extends string, Effect extends string> {
  readonly state: State
  readonly effects: readonly Effect[]
  readonly legal: boolean
}

/** Compiles a table into `step(state, event)`. Two rows for one (state, event) are a mistake in the table and throw here. */
export function createMachine<State extends string, Event extends string, Effect extends string>(
  rows: readonly Transition<State, Event, Effect>[],
): (state: State, event: Event) => Step<State, Effect> {
  const table = new Map<string, Step<State, Effect>>()
  for (const row of rows) {
    const key = `${row.from} ${row.on}`
    if (table.has(key)) throw new RangeError(`two rows for event ${row.on} in state ${row.from}`)
    table.set(key, { state: row.to, effects: row.effects ?? [], legal: true })
  }
  return (state, event) => table.get(`${state} ${event}`) ?? { state, effects: [], legal: false }
}

/** The table as a Mermaid state diagram. */
export function diagram(rows: readonly Transition<string, string, string>[]): string {
  const lines = rows.map((row) => {
    const effects = row.effects?.length ? ` / ${row.effects.join(', ')}` : ''
    return `  ${row.from} --> ${row.to}: ${row.on}${effects}`
  })
  return ['stateDiagram-v2', ...lines, ''].join('\n')
}
