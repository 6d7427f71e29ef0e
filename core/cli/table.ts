// Rows for people, aligned.
import { displayWidth, printable } from './terminal.ts'

export interface Column<Name extends string = string> {
  readonly name: Name
  /** Shown above; the name unless given. */
  readonly heading?: string
  /** Numbers read best on the right. */
  readonly align?: 'left' | 'right'
}

/** Rows under a heading line, two blanks between columns, no line end after the last row. Control characters are replaced. */
export function table<Name extends string>(
  rows: readonly Readonly<Record<Name, string>>[],
  columns: readonly (Name | Column<Name>)[],
): string {
  const shown = columns.map((column): Column<Name> => (typeof column === 'string' ? { name: column } : column))
  const cells = [
    shown.map(({ name, heading = name }) => heading.toUpperCase()),
    ...rows.map((row) => shown.map(({ name }) => printable(row[name]))),
  ]
  const widths = shown.map((_column, index) =>
    cells.reduce((most, line) => Math.max(most, displayWidth(line[index] ?? '')), 0),
  )
  const pad = (text: string, index: number): string => {
    const blanks = ' '.repeat((widths[index] ?? 0) - displayWidth(text))
    return shown[index]?.align === 'right' ? blanks + text : text + blanks
  }
  return cells.map((line) => line.map(pad).join('  ').trimEnd()).join('\n')
}
