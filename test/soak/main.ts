// `make soak`: many rounds of kill -9. Usage: main.ts [ROUNDS] [SEED]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { killRounds } from './kill.ts'

const [rounds, seed] = [Number(process.argv[2] ?? 100), Number(process.argv[3] ?? Date.now() % 1_000_000)]
const folder = mkdtempSync(join(tmpdir(), 'tallycell-soak-'))
console.log(`${rounds} rounds, seed ${seed}, in ${folder}`)
let faults = 0
try {
  await killRounds({
    folder,
    rounds,
    seed,
    onRound({ number, end, after, answered, sessions, events, receipts, charged, logSize, faults: found }) {
      faults += found.length
      const state = `${answered} answered, ${sessions} sessions, ${events} events, ${receipts} receipts, ${charged} microtokens, log ${logSize}`
      console.log(`${found.length === 0 ? 'ok' : 'FAULT'} ${number} ${end} after ${after} ms: ${state}`)
      for (const fault of found.slice(0, 20)) console.log(`  ${fault}`)
    },
  })
} catch (error) {
  faults++
  console.error(error)
}
if (faults === 0) rmSync(folder, { recursive: true, force: true })
console.log(
  faults === 0 ? `${rounds} rounds: nothing lost, nothing twice` : `${faults} faults; the data is in ${folder}`,
)
process.exitCode = faults === 0 ? 0 : 1
