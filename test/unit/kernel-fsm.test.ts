import t from 'tap'
import { createMachine, diagram, type Transition } from '../../core/kernel/fsm.ts'

type State = 'waitDial' | 'waitAnswer' | 'closed'
type Event = 'dial' | 'answer' | 'hangUp'

const rows: readonly Transition<State, Event, 'ring' | 'free'>[] = [
  { from: 'waitDial', on: 'dial', to: 'waitAnswer', effects: ['ring'] },
  { from: 'waitAnswer', on: 'answer', to: 'closed' },
  { from: 'waitAnswer', on: 'hangUp', to: 'closed', effects: ['free'] },
]

t.test('a row moves the state and names the effects', async (t) => {
  const step = createMachine(rows)
  t.same(step('waitDial', 'dial'), { state: 'waitAnswer', effects: ['ring'], legal: true })
  t.same(step('waitAnswer', 'answer'), { state: 'closed', effects: [], legal: true })
})

t.test('an event without a row changes nothing and says so', async (t) => {
  const step = createMachine(rows)
  const states: State[] = ['waitDial', 'waitAnswer', 'closed']
  const events: Event[] = ['dial', 'answer', 'hangUp']
  for (const state of states)
    for (const event of events)
      if (!rows.some((row) => row.from === state && row.on === event))
        t.same(step(state, event), { state, effects: [], legal: false }, `${state} ${event}`)
})

t.test('two rows for one event are a mistake in the table', async (t) => {
  const twice = [...rows, { from: 'waitDial', on: 'dial', to: 'closed' }] as const
  t.throws(() => createMachine<State, Event, 'ring' | 'free'>(twice), RangeError)
})

t.test('the diagram shows every row', async (t) => {
  t.equal(
    diagram(rows),
    [
      'stateDiagram-v2',
      '  waitDial --> waitAnswer: dial / ring',
      '  waitAnswer --> closed: answer',
      '  waitAnswer --> closed: hangUp / free',
      '',
    ].join('\n'),
  )
})
