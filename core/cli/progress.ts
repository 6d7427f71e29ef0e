// A bar on standard error while a person waits.
import type { Progress } from './command.ts'
import { printable, type TextOutput } from './terminal.ts'

const CELLS = 24
/** Between two drawings, milliseconds. */
const INTERVAL = 100

/** Draws only where `output` is a terminal; `now` in milliseconds. */
export function createProgress(output: TextOutput, label: string, now: () => number = Date.now): Progress {
  if (output.isTTY !== true) return { update() {}, end() {} }
  let drawn = Number.NEGATIVE_INFINITY
  return {
    update(done, total) {
      const finished = done >= total
      if (now() - drawn < INTERVAL && !finished) return
      drawn = now()
      const share = total > 0 ? Math.min(1, Math.max(0, done / total)) : 0
      const full = Math.round(share * CELLS)
      const bar = '█'.repeat(full) + '░'.repeat(CELLS - full)
      output.write(`\r\u001b[K${printable(label)} ${bar} ${Math.floor(share * 100)} % (${done} of ${total})`)
    },
    end() {
      if (drawn !== Number.NEGATIVE_INFINITY) output.write('\r\u001b[K')
      drawn = Number.NEGATIVE_INFINITY
    },
  }
}
