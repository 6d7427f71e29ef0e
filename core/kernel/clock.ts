// The one place where time enters, so that everything below it can be replayed.
import { type Millis, millis } from './units.ts'

/** Reads the wall clock. */
export type Clock = () => Millis

export const systemClock: Clock = () => millis(Date.now())
