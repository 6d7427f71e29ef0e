// What the log says of a radio so far. The stage that writes the log and whoever replays it share this one function.
import type { Millis } from '../../core/kernel/units.ts'

/** The newest ban of a radio. */
export interface Ban {
  readonly from: Millis
  /** Undefined: for good. */
  readonly until: Millis | undefined
}

export interface RadioStanding {
  readonly owner: string
  readonly payout: string
  readonly ban: Ban | undefined
}

export interface RegistryChange {
  readonly kind: 'claim' | 'payout' | 'ban' | 'unban' | 'appeal'
  readonly owner: string
  readonly payout: string
  readonly at: Millis
  readonly expires?: Millis | undefined
}

/**
 * The standing of a radio after a change; undefined as long as nobody has claimed it. Bans outlive a new claim. A new ban that
 * begins inside the one before continues it, so that no gap opens between them. An unban ends a ban at its time and does not undo it:
 * usage of the time before, reported late, is still judged by it. An appeal changes nothing by itself.
 */
export function applyChange(standing: RadioStanding | undefined, change: RegistryChange): RadioStanding | undefined {
  const { kind, owner, payout, at, expires } = change
  if (kind === 'claim') return { owner, payout, ban: standing?.ban }
  if (!standing) return undefined
  const { ban } = standing
  switch (kind) {
    case 'payout':
      return { ...standing, payout }
    case 'ban': {
      const running = ban && at > ban.from && (ban.until === undefined || ban.until >= at)
      return { ...standing, ban: { from: running ? ban.from : at, until: expires } }
    }
    case 'unban':
      return ban && (ban.until === undefined || ban.until > at) ? { ...standing, ban: { ...ban, until: at } } : standing
    case 'appeal':
      return standing
  }
}

/** Whether a ban that began strictly before `at` still held then. */
export function isBanned({ ban }: RadioStanding, at: Millis): boolean {
  return ban !== undefined && ban.from < at && (ban.until === undefined || at < ban.until)
}
