// Answers that a session has given, as far as its peer may still ask for them: a gateway has several requests under way at once, and after a
// failure repeats each of them.

/** An answer that was given from the request `from` on, until another was. */
export interface EarlierAnswer {
  readonly from: bigint
  readonly answer: string
}

export interface Answers {
  /** To the highest request number. */
  answer: string
  /** The first request that got it. */
  answerFrom: bigint
  /** The different ones before it, the newest first. */
  earlier: readonly EarlierAnswer[]
}

/** Kept at most; Open5GS has at most four requests of a session under way. */
const MOST_EARLIER = 8
const PART = '\x1d'
/** Marks a single request that came late and was answered without a grant. */
const LATE = ''

/** Makes `answer` that of the request `number`, the highest. Steady answers are all alike and need no room. */
export function keepAnswer(answers: Answers, number: bigint, answer: string): void {
  const { answer: before, answerFrom, earlier } = answers
  if (before === answer) return
  const kept = [{ from: answerFrom, answer: before }, ...earlier]
  answers.earlier = before === '' || kept.length > MOST_EARLIER ? [] : kept
  answers.answer = answer
  answers.answerFrom = number
}

/** Notes that the request `number` came late; `highest`: the highest so far. */
export function noteLate(answers: Answers, number: bigint, highest: bigint): void {
  answers.earlier = [{ from: number, answer: LATE }, ...answers.earlier]
  if (answers.earlier.length <= MOST_EARLIER) return
  answers.earlier = []
  answers.answerFrom = highest
}

/** What the request `number` was answered, as far as that is known and was more than a late request gets. */
export function answerTo({ answer, answerFrom, earlier }: Answers, number: bigint): string | undefined {
  if (earlier.some((each) => each.answer === LATE && each.from === number)) return undefined
  if (number >= answerFrom) return answer
  return earlier.find((each) => each.answer !== LATE && number >= each.from)?.answer
}

/** As one text, to be stored. */
export function encodeAnswers({ answer, answerFrom, earlier }: Answers): string {
  let text = `${answer}${PART}${answerFrom}`
  for (const each of earlier) text += `${PART}${each.answer}${PART}${each.from}`
  return text
}

export function decodeAnswers(text: string): Answers {
  const [answer = '', from = '0', ...rest] = text.split(PART)
  const earlier: EarlierAnswer[] = []
  for (let at = 0; at < rest.length; at += 2) earlier.push({ answer: rest[at] ?? '', from: BigInt(rest[at + 1] ?? '') })
  return { answer, answerFrom: BigInt(from), earlier }
}
