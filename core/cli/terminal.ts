// Text on a terminal: how wide it is, what is safe to print, when colour is welcome.

export interface TextOutput {
  write(text: string, done?: (error?: Error | null) => void): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

// East Asian Wide and Fullwidth (Unicode UAX #11), and emoji, take two cells.
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u

/** Cells that `text` takes on a terminal. */
export function displayWidth(text: string): number {
  let cells = 0
  for (const { segment } of segmenter.segment(text)) cells += WIDE.test(segment) ? 2 : 1
  return cells
}

/** `text` on one line with control characters replaced: names that come from peers must not steer the terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '\u{fffd}')
}

const CODES = { bold: [1, 22], red: [31, 39], cyan: [36, 39] } as const
export type Paint = (style: keyof typeof CODES, text: string) => string

/** Colours for a terminal; plain text elsewhere, and where NO_COLOR is set (no-color.org) or TERM is dumb. */
export function painter(output: TextOutput, env: Readonly<Record<string, string | undefined>>): Paint {
  if (output.isTTY !== true || env.NO_COLOR || env.TERM === 'dumb') return (_style, text) => text
  return (style, text) => `\u001b[${CODES[style][0]}m${text}\u001b[${CODES[style][1]}m`
}
