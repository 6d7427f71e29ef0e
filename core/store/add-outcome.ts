import type { TallycellError } from '../kernel/errors.ts'

/** What became of one row of many. `unchanged`: the very same row was there already. An error is what stood in the way. */
export type AddOutcome = 'added' | 'unchanged' | TallycellError
