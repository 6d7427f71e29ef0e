// Structured logs with redaction.
import { format as formatMessage } from 'node:util'
import { type Logger as PinoLogger, pino } from 'pino'
import { Type } from 'typebox'
import type { Section, Settings } from '../config/section.ts'
import { maskDigits, redact } from './redact.ts'
import { textDestination } from './text-format.ts'

export type Logger = PinoLogger

export const logSection = {
  key: 'log',
  schema: Type.Object({
    level: Type.Union(
      [
        Type.Literal('fatal'),
        Type.Literal('error'),
        Type.Literal('warn'),
        Type.Literal('info'),
        Type.Literal('debug'),
        Type.Literal('trace'),
      ],
      { default: 'info', description: 'The least important kind of line that is written.' },
    ),
    format: Type.Union([Type.Literal('auto'), Type.Literal('json'), Type.Literal('text')], {
      default: 'auto',
      description: 'json for machines, text for people; auto is text at a terminal and json elsewhere.',
    }),
  }),
} satisfies Section

export type LogSettings = Settings<typeof logSection>

export interface LoggerOptions {
  readonly level?: LogSettings['level'] | 'silent'
  readonly format?: LogSettings['format']
  /** Where lines go; standard error unless given, so that standard output stays for answers. */
  readonly destination?: { write(text: string): unknown; readonly isTTY?: boolean }
}

/** A logger whose lines are redacted (redact.ts), bigint included. Children inherit all of it. */
export function createLogger({
  level = 'info',
  format = 'auto',
  destination = process.stderr,
}: LoggerOptions = {}): Logger {
  const text = format === 'text' || (format === 'auto' && destination.isTTY === true)
  const logger: Logger = pino(
    {
      level,
      base: null,
      // Errors are written by redact.ts; pino would take its copy for another error.
      serializers: { err: (value: unknown) => value },
      hooks: {
        logMethod(args, method) {
          method.apply(this, cleanArguments(args))
        },
      },
    },
    text ? textDestination(destination) : { write: (line) => void destination.write(line) },
  )
  const { child } = logger
  // pino has no hook for the fields of a child; children inherit this one through their prototype.
  logger.child = function (this: Logger, bindings, options) {
    return child.call(this, redact(bindings) as typeof bindings, options)
  } as Logger['child']
  return logger
}

/** pino's (fields?, message?, ...values) with the message formatted here, so that masking sees the whole text. */
function cleanArguments(args: readonly unknown[]): [object: unknown, message?: string] {
  const [first, ...rest] = args.map((value) =>
    typeof value === 'object' && !(value instanceof Error) ? redact(value) : value,
  )
  if (typeof first === 'string') return [{}, maskDigits(formatMessage(first, ...rest))]
  const fields = first instanceof Error ? { err: redact(first) } : first
  if (rest.length > 0) return [fields, maskDigits(formatMessage(...rest))]
  const given = args[0]
  const error = given instanceof Error ? given : (given as { err?: unknown } | null | undefined)?.err
  return error instanceof Error ? [fields, maskDigits(error.message)] : [fields]
}
