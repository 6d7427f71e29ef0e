// The commands that write what phones and access points are configured with.
import type { Command } from '../../core/cli/command.ts'
import { type ConfigCommandDeps, configCommand } from './access-point/command.ts'
import { type ProfileCommandDeps, profileCommand } from './profile-command.ts'

export function passpointCommands(deps: ConfigCommandDeps & ProfileCommandDeps): Command[] {
  return [profileCommand(deps), configCommand(deps)]
}
