// What becomes of usage that is to be paid for: it counts, it waits for a person, or it never counts.

/** The words of `HOLD` and `REJECT` are codes of rules.ts; a reader of an older log may meet codes that it does not know. */
export type Verdict = 'VALID' | `HOLD(${string})` | `REJECT(${string})`
export type Outcome = 'VALID' | 'HOLD' | 'REJECT'

const FORM = /^(?:VALID|(HOLD|REJECT)\(([a-z][a-z0-9-]{0,31})\))$/

/** Undefined for anything but a verdict. */
export function parseVerdict(text: string): Verdict | undefined {
  return FORM.test(text) ? (text as Verdict) : undefined
}

/** `code` is undefined for VALID. */
export function splitVerdict(verdict: Verdict): { readonly outcome: Outcome; readonly code: string | undefined } {
  const [, outcome, code] = FORM.exec(verdict) ?? []
  return outcome === 'HOLD' || outcome === 'REJECT' ? { outcome, code } : { outcome: 'VALID', code: undefined }
}
