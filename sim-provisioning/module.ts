// What the composition root needs of the SIM domain.
export { subscriberCommands } from './commands.ts'
export { createSubscriberDirectory } from './profiles/directory.ts'
export { addSubscriber } from './profiles/store.ts'
