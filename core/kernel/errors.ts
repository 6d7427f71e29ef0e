// Every error that a person or a program can meet: a stable code, what was expected, what came, what to do next.
// Codes are never reused. `exit` is the command line's exit code (sysexits.h), `http` the status of the API answer (RFC 9457).

interface Row {
  readonly http: number
  readonly exit: number
  /** What happened; `{name}` is filled from the context. */
  readonly message: string
  /** What to do next; `{name}` is filled from the context. */
  readonly hint: string
}

export const ERRORS = {
  ID_INVALID: {
    http: 400,
    exit: 64,
    message: "{what} '{came}' is not valid: expected {expected}",
    hint: 'correct the value and try again',
  },
  UNIT_NEGATIVE: { http: 400, exit: 64, message: '{what} must not be negative, got {came}', hint: 'use 0 or more' },
  UNIT_INVALID: {
    http: 400,
    exit: 64,
    message: "{what} '{came}' is not a whole number of 1 to 19 digits",
    hint: 'write it in decimal digits without separators',
  },
  STORE_LOCKED: {
    http: 503,
    exit: 75,
    message: 'the database {path} is locked by another process',
    hint: 'wait for the other process to finish, or stop it, and try again',
  },
  STORE_FULL: {
    http: 507,
    exit: 74,
    message: 'the disk under {path} is full: nothing was written',
    hint: 'free some space; unanswered requests are sent again by their senders',
  },
  STORE_UNUSABLE: {
    http: 500,
    exit: 74,
    message: 'cannot use the database {path}: {reason}',
    hint: 'check that the folder exists, is writable and holds a Tallycell database',
  },
} as const satisfies Record<string, Row>

export type ErrorCode = keyof typeof ERRORS

type Names<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never
/** The values that the message and hint of a code need. */
export type ErrorContext<Code extends ErrorCode> = Record<
  Names<(typeof ERRORS)[Code]['message']> | Names<(typeof ERRORS)[Code]['hint']>,
  string | number | bigint
>

const fill = (template: string, context: Record<string, unknown>): string =>
  template.replace(/\{(\w+)\}/g, (_all, name: string) => String(context[name]))

/** An error of the catalogue. `message` says what happened, `hint` what to do. */
export class TallycellError<Code extends ErrorCode = ErrorCode> extends Error {
  readonly code: Code
  readonly hint: string
  readonly context: Readonly<Record<string, string | number | bigint>>

  constructor(code: Code, context: ErrorContext<Code>, cause?: unknown) {
    super(fill(ERRORS[code].message, context), cause === undefined ? {} : { cause })
    this.name = 'TallycellError'
    this.code = code
    this.hint = fill(ERRORS[code].hint, context)
    this.context = context
  }
}

/** Throws the error `code` of the catalogue. */
export function fail<Code extends ErrorCode>(code: Code, context: ErrorContext<Code>, cause?: unknown): never {
  throw new TallycellError(code, context, cause)
}

/** Narrows an unknown error to one of the catalogue. */
export function isTallycellError(error: unknown): error is TallycellError {
  return error instanceof TallycellError
}
