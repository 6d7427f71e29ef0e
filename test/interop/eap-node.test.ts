// A whole node as an operator runs it: SIMs loaded by command, a phone of eapol_test let in, its session accounted for by Class.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import { csvOf, testSim } from '../compliance/sim-world.ts'
import { eapol } from '../emulators/eap-eapol.ts'
import { createTestNode } from '../emulators/node.ts'

const SECRET = 'interop secret'
const folder = t.testdir()
const node = await createTestNode({ folder, secret: SECRET })
const sim = testSim(1)
const file = join(folder, 'sims.csv')
writeFileSync(file, csvOf([sim]))
await node.command('batch', 'import', file, '--mnc-digits', '2', '--tenant', 'acme')
await node.command('subscriber', 'activate', 's-1', '--sim', sim.iccid, '--tenant', 'acme', '--plan', 'flat')
const running = await node.start()
t.teardown(() => running.stop())

t.test("EAP-AKA' against a running node", async (t) => {
  const { exit, output } = await eapol({
    port: node.access.port,
    secret: SECRET,
    network: ["eap=AKA'", `identity="6${sim.imsi}@wlan.mnc001.mcc001.3gppnetwork.org"`],
    sim,
  })
  t.equal(exit, 0, exit === 0 ? 'authenticated' : `${output.slice(-2000)}${running.output().slice(-2000)}`)
  const database = new Database(node.database, { readonly: true })
  t.teardown(() => database.close())
  t.match(database.prepare('select subscriber_id, method, client from access_session').all(), [
    { subscriber_id: 's-1', method: 'aka-prime', client: 'client-0' },
  ])
  const metrics = await (await fetch(`${node.http}/metrics`)).text()
  t.match(metrics, /^tallycell_access_answers_total\{outcome="accepted"\} 1$/m)
  t.notMatch(running.output(), sim.imsi, 'no IMSI in the log')
})
