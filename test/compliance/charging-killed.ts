// A gateway and an engine in one process, to be killed: says each update that was answered, one line each.
import { writeSync } from 'node:fs'
import { openStore } from '../../core/store/store.ts'
import { engine, grantOf, NOON, request } from './charging-world.ts'

const [options = '{}', run = '0'] = process.argv.slice(2)
const store = await openStore(JSON.parse(options))
const charging = engine(store, { batch: 8 })

async function session(index: number): Promise<void> {
  const name = `${run}.${index}`
  const ask = (number: bigint, octets?: bigint) =>
    request({ session: name, number, ...(octets === undefined ? {} : { octets }), at: NOON + number })
  let granted = grantOf(await charging.open(ask(0n)))
  for (let number = 1n; ; number++) {
    const used = granted / 10n
    granted = grantOf(await charging.update(ask(number, used)))
    writeSync(1, `${name} ${number} ${used}\n`)
  }
}

await Promise.all(Array.from({ length: 6 }, (_, index) => session(index)))
