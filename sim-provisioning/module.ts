// What the composition root needs of the SIM domain.
import type { Command } from '../core/cli/command.ts'
import { batchCommands } from './commands-batch.ts'
import { keyCommands } from './commands-key.ts'
import { simCommands as cardCommands } from './commands-sim.ts'

export { subscriberCommands } from './commands.ts'
export { createProvisioning } from './node.ts'
export { createSubscriberDirectory } from './profiles/directory.ts'
export { addSubscriber } from './profiles/store.ts'

/** SIMs, ranges, batches, keys. */
export function simCommands(): Command[] {
  return [...cardCommands(), ...batchCommands(), ...keyCommands()]
}
