// EAP-AKA', EAP-AKA and EAP-SIM against wpa_supplicant's eapol_test: full, with resynchronisation, fast again, and refused.

import { join } from 'node:path'
import t from 'tap'
import { openStore } from '../../core/store/store.ts'
import { eapol } from '../emulators/eap-eapol.ts'
import { accessWorld, SECRET } from '../emulators/eap-world.ts'

const folder = t.testdir()
const store = await openStore({ path: join(folder, 'eapol.db') })
t.teardown(() => store.close())
const { port, sims } = await accessWorld(t, store, { folder, sims: 6 })
const REALM = 'wlan.mnc001.mcc001.3gppnetwork.org'

const sim = (n: number) => {
  const found = sims[n]
  if (found === undefined) throw new Error('no such SIM')
  return found
}
/** Why it failed, where it did. */
const ending = (exit: number | null, output: string): string => (exit === 0 ? 'authenticated' : output.slice(-3000))
const common = { port, secret: SECRET }
const keysMatch = /MPPE keys OK: ([0-9]+) {2}mismatch: 0/

for (const [n, method, prefix, kind] of [
  [0, "AKA'", '6', 'UMTS-AUTH'],
  [1, 'AKA', '0', 'UMTS-AUTH'],
  [2, 'SIM', '1', 'GSM-AUTH'],
] as const) {
  const network = [`eap=${method}`, `identity="${prefix}${sim(n).imsi}@${REALM}"`]

  t.test(`EAP-${method}`, async (t) => {
    const { exit, output, asked } = await eapol({ ...common, network, sim: sim(n) })
    t.equal(exit, 0, ending(exit, output))
    t.match(output, keysMatch)
    t.match(asked, kind)
    t.match(output, /Attribute 25 \(Class\)/)
    t.match(output, /Attribute 27 \(Session-Timeout\)/)
  })

  t.test(`EAP-${method}, then twice fast with the identity of the first`, async (t) => {
    const { exit, output, asked } = await eapol({ ...common, network, sim: sim(n), args: ['-r2'] })
    t.equal(exit, 0, ending(exit, output))
    t.equal(keysMatch.exec(output)?.[1], '3')
    t.equal(asked.trim().split('\n').length, 1, 'the SIM was asked once')
  })
}

t.test('pseudonyms instead of the IMSI in clear', async (t) => {
  const network = [
    "eap=AKA'",
    'anonymous_identity="6anonymous@wlan.mnc001.mcc001.3gppnetwork.org"',
    `identity="6${sim(0).imsi}@${REALM}"`,
  ]
  const { exit, output } = await eapol({ ...common, network, sim: sim(0) })
  t.equal(exit, 0, ending(exit, output))
})

for (const [n, method, prefix] of [
  [3, "AKA'", '6'],
  [4, 'AKA', '0'],
] as const)
  t.test(`EAP-${method} with resynchronisation`, async (t) => {
    const network = [`eap=${method}`, `identity="${prefix}${sim(n).imsi}@${REALM}"`]
    const { exit, output, asked } = await eapol({
      ...common,
      network,
      sim: { ...sim(n), args: ['--sqn-ms', '000000100000'] },
    })
    t.equal(exit, 0, ending(exit, output))
    t.match(asked, /is stale, AUTS for 000000100000\nUMTS-AUTH SQN 0000001000[0-9a-f]{2}/)
  })

t.test('a wrong RES is told, and ends in failure', async (t) => {
  const network = ["eap=AKA'", `identity="6${sim(0).imsi}@${REALM}"`]
  const { exit, output } = await eapol({ ...common, network, sim: { ...sim(0), args: ['--wrong-res'] }, patience: 5 })
  t.not(exit, 0)
  t.match(output, /CTRL-EVENT-EAP-FAILURE/)
})

t.test('a SIM that nobody knows', async (t) => {
  const network = ["eap=AKA'", `identity="6001019999999999@${REALM}"`]
  const { exit, output } = await eapol({ ...common, network, sim: sim(0), patience: 5 })
  t.not(exit, 0)
  t.match(output, /CTRL-EVENT-EAP-FAILURE/)
})

t.test("a phone that has EAP-AKA only declines EAP-AKA' and gets it", async (t) => {
  const network = ['eap=AKA', `identity="6${sim(5).imsi}@${REALM}"`]
  const { exit, output } = await eapol({ ...common, network, sim: sim(5) })
  t.equal(exit, 0, ending(exit, output))
})

t.test('a phone that has both is not talked down to EAP-AKA (RFC 9048 §4)', async (t) => {
  const network = ["eap=AKA' AKA", `identity="0${sim(5).imsi}@${REALM}"`]
  const { exit, output } = await eapol({ ...common, network, sim: sim(5), patience: 5 })
  t.not(exit, 0)
  t.match(output, /bidding down/i)
})
