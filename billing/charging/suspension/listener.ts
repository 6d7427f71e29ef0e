// Orders about sessions as charging carries them out: sessions that their peers have not ended end in the books.
import type { SessionListener } from '../../../core/events/sessions/port.ts'
import type { Clock } from '../../../core/kernel/clock.ts'
import type { Charging } from '../charging.ts'

/** To be registered for the books' turn. */
export const chargingListener = (charging: Charging, clock: Clock): SessionListener => ({
  name: 'charging',
  // Sessions that began since the order are not meant: the subscriber may have been let in again, or have another SIM.
  drop: ({ subscriber, at }) => charging.drop(subscriber, at, clock()),
  // Charging is asked; it asks nobody.
  refresh: () => Promise.resolve(0),
})
