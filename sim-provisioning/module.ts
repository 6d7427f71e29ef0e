// What the composition root needs of the SIM domain.
import type { Command } from '../core/cli/command.ts'
import type { SuspendCharging } from '../core/events/sessions/port.ts'
import { batchCommands } from './commands-batch.ts'
import { keyCommands } from './commands-key.ts'
import { portCommands } from './commands-port.ts'
import { simCommands as cardCommands } from './commands-sim.ts'

export { subscriberCommands } from './commands.ts'
export { createProvisioning } from './node.ts'
export { createSubscriberDirectory } from './profiles/directory.ts'
export { portingSection } from './profiles/porting/settings.ts'
export { addSubscriber } from './profiles/store.ts'

/** SIMs, ranges, batches, keys, ports. `suspendCharging`: billing's part of a suspension. */
export function simCommands(suspendCharging: SuspendCharging): Command[] {
  return [...cardCommands(suspendCharging), ...portCommands(), ...batchCommands(), ...keyCommands()]
}
