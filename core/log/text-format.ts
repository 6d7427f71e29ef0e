// Log lines for a person at a terminal. Machines get the JSON that pino writes.
import { Writable } from 'node:stream'

const LEVELS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
}

/** One JSON log line as text: time, level, module, message, then the remaining fields as key=value. Anything else passes unchanged. */
export function formatLogLine(line: string): string {
  let record: unknown
  try {
    record = JSON.parse(line)
  } catch {
    return line
  }
  if (typeof record !== 'object' || record === null) return line
  const { level, time, msg, module, err, ...rest } = record as Record<string, unknown>
  const clock = typeof time === 'number' ? `${new Date(time).toISOString().slice(11, 23)} ` : ''
  const name = (typeof level === 'number' ? LEVELS[level] : undefined) ?? 'log'
  const fields = Object.entries(rest).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  const head = [
    `${clock}${name.padEnd(5)}`,
    typeof module === 'string' ? `${module}:` : '',
    typeof msg === 'string' ? msg : '',
  ]
  // A peer chooses some of these texts: its control characters must not steer the terminal.
  const text = [...head, ...fields]
    .filter(Boolean)
    .join(' ')
    .replace(/\p{Cc}/gu, '\u{fffd}')
  const stack = stackOf(err)
  return stack ? `${text}\n${stack}\n` : `${text}\n`
}

function stackOf(err: unknown): string {
  if (typeof err !== 'object' || err === null) return ''
  const { stack, message } = err as Record<string, unknown>
  const shown = typeof stack === 'string' ? stack : typeof message === 'string' ? message : ''
  return shown.replace(/[^\P{Cc}\n]/gu, '\u{fffd}')
}

/** A destination that formats each line before it passes it on. */
export function textDestination(target: { write(text: string): unknown }): Writable {
  return new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      target.write(formatLogLine(String(chunk)))
      done()
    },
  })
}
