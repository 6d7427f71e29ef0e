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
  LEDGER_BELOW_ZERO: {
    http: 409,
    exit: 70,
    message: 'account {account} would fall to {balance}: nothing was posted',
    hint: 'deposit what is missing, or look for the transfer that should have come first',
  },
  COMMAND_INCOMPLETE: {
    http: 400,
    exit: 64,
    message: 'expected {expected}, got {came}',
    hint: 'see `tallycell {command} --help`',
  },
  FILE_UNREADABLE: {
    http: 400,
    exit: 66,
    message: "cannot read the file '{path}': {reason}",
    hint: 'check the path and that you may read it',
  },
  CSV_HEADER: {
    http: 400,
    exit: 65,
    message: "the first line must name the columns {expected}, got '{came}'",
    hint: 'write the column names in the first line, separated by commas',
  },
  CSV_ROW: {
    http: 400,
    exit: 65,
    message: 'expected {expected}, got {came}',
    hint: 'correct the line and load the file again: rows that are in already are left as they are',
  },
  RADIO_EXISTS: {
    http: 409,
    exit: 65,
    message: "a radio '{radio}' is registered already",
    hint: 'see it with `tallycell radio list`, or choose another id',
  },
  RADIO_UNKNOWN: {
    http: 404,
    exit: 65,
    message: "there is no radio '{radio}'",
    hint: 'see the registered ones with `tallycell radio list`',
  },
  RADIO_UNRECOGNISABLE: {
    http: 400,
    exit: 64,
    message: "the access point '{radio}' could not be told from others: expected a NAS-Identifier or a BSSID, got neither",
    hint: 'give what the access point sends: --nas-id NAME or --bssid 00-11-22-33-44-55, or both',
  },
  RADIO_NAS_TAKEN: {
    http: 409,
    exit: 65,
    message: "the NAS-Identifier '{came}' belongs to the radio '{radio}'",
    hint: 'give each access point its own NAS-Identifier',
  },
  RADIO_BSSID_TAKEN: {
    http: 409,
    exit: 65,
    message: 'the BSSID {came} belongs to the radio \'{radio}\'',
    hint: 'read the BSSID off the access point again; if another owner claimed it wrongly, ask the operator to ban that radio',
  },
  RADIO_NOT_BANNED: {
    http: 409,
    exit: 65,
    message: "the radio '{radio}' is not banned",
    hint: 'nothing needs doing',
  },
  BAN_ENDED: {
    http: 400,
    exit: 64,
    message: 'a ban must end in the future, got {came}',
    hint: 'give a later time, or leave --until away for a ban without end',
  },
  SUBSCRIBER_EXISTS: {
    http: 409,
    exit: 65,
    message: "a subscriber '{subscriber}' is registered already",
    hint: 'see it with `tallycell subscriber list`, or choose another id',
  },
  IMSI_TAKEN: {
    http: 409,
    exit: 65,
    message: "the IMSI {imsi} belongs to the subscriber '{subscriber}'",
    hint: 'an IMSI names one subscriber: check the digits on the SIM',
  },
  INTERNAL: {
    http: 500,
    exit: 70,
    message: 'unexpected failure: {reason}',
    hint: 'this is a fault of the program: run it again with --verbose (or read the log) and report what it shows',
  },
  CLI_COMMAND_UNKNOWN: {
    http: 400,
    exit: 64,
    message: "there is no command '{came}'{suggestion}",
    hint: "'{help}' lists the commands",
  },
  CLI_COMMAND_INCOMPLETE: {
    http: 400,
    exit: 64,
    message: "'{came}' is not a whole command: expected one of {expected} after it",
    hint: "'{help}' explains them",
  },
  CLI_OPTION_UNKNOWN: {
    http: 400,
    exit: 64,
    message: "there is no option '{came}' here{suggestion}",
    hint: "'{help}' lists the options",
  },
  CLI_OPTION_INVALID: {
    http: 400,
    exit: 64,
    message: "option '{option}' {problem}",
    hint: "'{help}' shows how it is used",
  },
  CLI_ARGUMENT_MISSING: {
    http: 400,
    exit: 64,
    message: '{name} is missing: expected {expected}',
    hint: "the form is '{usage}'",
  },
  CLI_ARGUMENT_EXTRA: {
    http: 400,
    exit: 64,
    message: "'{came}' is one argument too many",
    hint: "the form is '{usage}'",
  },
  CONFIG_UNREADABLE: {
    http: 500,
    exit: 78,
    message: 'cannot read the configuration {file}: {reason}',
    hint: "name a readable YAML file with --config or TALLYCELL_CONFIG, or write one with 'tallycell config init'",
  },
  CONFIG_INVALID: {
    http: 500,
    exit: 78,
    message: 'the configuration has {count} problem(s):\n{problems}',
    hint: "correct what is listed; 'tallycell config init' writes an example that explains every setting",
  },
  CONFIG_EXISTS: {
    http: 409,
    exit: 73,
    message: '{file} exists already and was left as it is',
    hint: 'name another file with --config, or overwrite this one with --force',
  },
  CONFIG_UNWRITABLE: {
    http: 500,
    exit: 73,
    message: 'cannot write {file}: {reason}',
    hint: 'choose a folder that exists and that you may write to',
  },
  KEY_FOLDER_UNUSABLE: {
    http: 500,
    exit: 78,
    message: 'cannot use the key folder {folder}: {reason}',
    hint: 'give the program a folder of its own that only it may read (mode 0700)',
  },
  KEY_FILE_UNUSABLE: {
    http: 500,
    exit: 78,
    message: 'cannot use the key file {file}: {reason}',
    hint: 'check its owner, and that the disk is sound and not full',
  },
  KEY_PERMISSIONS_OPEN: {
    http: 500,
    exit: 78,
    message: '{file} may be read by others (mode {mode})',
    hint: "close it with 'chmod {wanted} {file}', and replace its keys if a stranger may have seen them",
  },
  KEY_KEK_MISSING: {
    http: 500,
    exit: 78,
    message: 'the key-encryption key {file} does not exist',
    hint: 'bring it back from where you keep it; to begin anew, move the old key files away first and make one with: head -c 32 /dev/urandom > {file}',
  },
  KEY_KEK_INVALID: {
    http: 500,
    exit: 78,
    message: 'the key-encryption key {file} has {came} octets: expected exactly 32',
    hint: 'bring back the right file; a new one is made with: head -c 32 /dev/urandom > {file}',
  },
  KEY_KEK_WRONG: {
    http: 500,
    exit: 78,
    message: '{file} was encrypted under another key-encryption key than {kekFile}',
    hint: 'set keys.kekFile to the key-encryption key that this key was made with',
  },
  KEY_FILE_DAMAGED: {
    http: 500,
    exit: 78,
    message: 'the key file {file} is damaged: {reason}',
    hint: 'bring it back from a backup; it cannot be mended',
  },
  NODE_ALREADY_RUNNING: {
    http: 409,
    exit: 75,
    message: 'another node (process {pid}) is running on {dataDir}',
    hint: 'stop it first, or give this one a dataDir of its own',
  },
  HTTP_PORT_IN_USE: {
    http: 500,
    exit: 69,
    message: 'the HTTP address {listen} is taken by another program',
    hint: "set http.listen to a free address and port; 'ss -ltnp' shows who holds this one",
  },
  HTTP_ADDRESS_UNUSABLE: {
    http: 500,
    exit: 69,
    message: 'cannot listen for HTTP on {listen}: {reason}',
    hint: 'set http.listen to an address of this machine and a port above 1023',
  },
  HTTP_ROUTE_UNKNOWN: {
    http: 404,
    exit: 66,
    message: 'there is nothing at {method} {path}',
    hint: 'check the address and the method',
  },
  HTTP_REQUEST_INVALID: {
    http: 400,
    exit: 64,
    message: 'the request cannot be accepted: {reason}',
    hint: 'correct the request and send it again',
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
