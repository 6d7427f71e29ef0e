// What the composition root needs of the radio domain.
export { createCertificateDirectory } from './certificates/directory.ts'
export { radioCommands } from './commands.ts'
export { createRadioDirectory } from './registry/directory.ts'
export { addRadio, radiosNamed } from './registry/store.ts'
