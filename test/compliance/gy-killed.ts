// A charging node in a process of its own, to be killed: says its port, and serves.
import { writeSync } from 'node:fs'
import { openStore } from '../../core/store/store.ts'
import { startGy } from './gy-world.ts'

const [options = '{}', port = '0'] = process.argv.slice(2)
const store = await openStore(JSON.parse(options))
const world = await startGy({ teardown: () => undefined } as never, store, {
  listen: [{ host: '127.0.0.1', port: Number(port) }],
})
writeSync(1, `${world.port}\n`)
