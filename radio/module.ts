// What the composition root needs of the radio domain.
export { radioCommands } from './commands.ts'
export { createRadioDirectory } from './registry/directory.ts'
export { addRadio } from './registry/store.ts'
