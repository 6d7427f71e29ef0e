// The charging half of the command line.
import type { Command } from '../../core/cli/command.ts'
import { balanceCommands } from './commands/balance.ts'
import { cdrCommands } from './commands/cdr.ts'
import { eventsCommand } from './commands/events.ts'
import { invoiceCommands } from './commands/invoice.ts'
import { type PlanCommandDeps, planCommands } from './commands/plan.ts'
import { poolCommands } from './commands/pool.ts'
import { sessionCommands } from './commands/session.ts'
import { tenantCommands } from './commands/tenant.ts'
import { voucherCommands } from './commands/voucher.ts'

export const chargingCommands = (deps: PlanCommandDeps = {}): Command[] => [
  ...tenantCommands(),
  ...planCommands(deps),
  ...balanceCommands(),
  eventsCommand,
  ...poolCommands(),
  ...voucherCommands(),
  ...sessionCommands(),
  ...cdrCommands(),
  ...invoiceCommands(),
]
