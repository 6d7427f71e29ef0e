// Whose session it is, by IMSI: from memory, after a look at what others have registered meanwhile.
import type { SubscriberDirectory } from '../../../core/events/ports.ts'
import { imsi, type SubscriberId } from '../../../core/kernel/ids.ts'

/** Undefined for no IMSI, one that is none, and one that nobody has. */
export async function knownImsi(
  subscribers: SubscriberDirectory,
  digits: string | undefined,
): Promise<SubscriberId | undefined> {
  if (digits === undefined || !/^\d{6,15}$/.test(digits)) return undefined
  const known = imsi(digits)
  const found = subscribers.byImsi(known)
  if (found !== undefined) return found.subscriber
  await subscribers.refresh()
  return subscribers.byImsi(known)?.subscriber
}
