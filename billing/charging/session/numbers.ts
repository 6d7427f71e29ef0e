// Which request of a session this is. A peer repeats what was not answered in time, may have several requests under way, and
// may lose some; usage is a difference to the request before, so each number counts once and a missing one only leaves a gap:
//
//   number         rule
//   the highest    a repeat: the stored answer, octet for octet
//   above it       taken; numbers that were skipped are counted as gaps and may still come
//   below it       taken before: answered without a grant, nothing is charged
//                  not taken: charged, answered without a grant (the newer answer's grant stands); its repeats are as above
//   62 below it    too old to know: answered without a grant, nothing is charged, counted as late
//
// So nothing is charged twice, whatever is repeated, reordered or lost.
import type { Session } from './session.ts'

/** Bits of `seen`: fits a signed 64-bit column. */
const WINDOW = 62n
const MASK = (1n << WINDOW) - 1n

export type Turn = 'repeat' | 'next' | 'taken' | 'late' | 'too-old'

export function turnOf({ number: highest, seen }: Pick<Session, 'number' | 'seen'>, number: bigint): Turn {
  if (number > highest) return 'next'
  if (number === highest) return 'repeat'
  const below = highest - number - 1n
  if (below >= WINDOW) return 'too-old'
  return (seen >> below) & 1n ? 'taken' : 'late'
}

/** Notes that `number`, `next` or `late`, has been taken. */
export function takeNumber(session: Session, number: bigint): void {
  const { number: highest } = session
  if (number > highest) {
    const step = number - highest
    // A long session that has missed nothing stays as it is.
    if (highest >= 0n && !(step === 1n && session.seen === MASK)) {
      session.seen = step > WINDOW ? 0n : ((session.seen << step) | (1n << (step - 1n))) & MASK
      session.gaps += step - 1n
    }
    session.number = number
  } else {
    session.seen |= 1n << (highest - number - 1n)
    session.late++
    if (session.gaps > 0n) session.gaps--
  }
  session.moved = true
}
