// What the composition root needs of the SIM domain.
import type { Command } from '../core/cli/command.ts'
import type { SuspendCharging } from '../core/events/sessions/port.ts'
import { batchCommands } from './commands-batch.ts'
import { esimCommands } from './commands-esim.ts'
import { keyCommands } from './commands-key.ts'
import { portCommands } from './commands-port.ts'
import { simCommands as cardCommands } from './commands-sim.ts'

export { ckIkPrime } from './auth/kdf.ts'
export { milenage } from './auth/milenage.ts'
export { subscriberCommands } from './commands.ts'
export { createEsim } from './esim/esim.ts'
export { esimSection } from './esim/settings.ts'
export { createProvisioning } from './node.ts'
export { createSubscriberDirectory } from './profiles/directory.ts'
export { configuredPortAdapter, portingSection } from './profiles/porting/settings.ts'
export { addSubscriber, enrolAnonymous } from './profiles/store.ts'
export { provisioningRoutes } from './routes/routes.ts'

/** SIMs, ranges, batches, eSIM orders, keys, ports. `suspendCharging`: billing's part of a suspension. */
export function simCommands(suspendCharging: SuspendCharging): Command[] {
  return [...cardCommands(suspendCharging), ...portCommands(), ...batchCommands(), ...esimCommands(), ...keyCommands()]
}
