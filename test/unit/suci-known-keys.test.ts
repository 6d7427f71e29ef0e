// The alarm about home network keys that everybody knows.
import { ECDH } from 'node:crypto'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { homeKey } from '../../sim-provisioning/auth/suci/home-keys.ts'
import { keyFingerprint, knownKeyAlarm } from '../../sim-provisioning/auth/suci/known-keys.ts'

const read = (name: string) => JSON.parse(readFileSync(new URL(`../vectors/sim/${name}`, import.meta.url), 'utf8'))
const keys: readonly { name: string; publicKey: string }[] = read('known-keys.json').keys
const octets = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))

t.test('each published key is recognised', async (t) => {
  t.equal(keys.length, 8)
  for (const { name, publicKey } of keys) {
    t.equal(knownKeyAlarm(octets(publicKey))?.name, name)
    t.equal(knownKeyAlarm(octets(publicKey))?.fingerprint, keyFingerprint(octets(publicKey)))
  }
})

t.test('a point of P-256 is recognised in its other spelling too', async (t) => {
  for (const { name, publicKey } of keys.filter(({ publicKey }) => publicKey.length === 66)) {
    const uncompressed = ECDH.convertKey(
      octets(publicKey),
      'prime256v1',
      undefined,
      undefined,
      'uncompressed',
    ) as Buffer
    t.equal(uncompressed.length, 65)
    t.equal(knownKeyAlarm(uncompressed)?.name, name)
  }
})

t.test('the test keys of Annex C raise the alarm when they are loaded', async (t) => {
  for (const { homePrivate, scheme } of read('suci.json').sets) {
    if (homePrivate === undefined) continue
    t.match(knownKeyAlarm(homeKey(27, scheme === '1' ? 1 : 2, octets(homePrivate)).publicKey)?.name, /^TS 33\.501/)
  }
})

t.test('others do not', async (t) => {
  t.equal(knownKeyAlarm(homeKey(1, 1, new Uint8Array(32).fill(3)).publicKey), undefined)
  t.equal(knownKeyAlarm(homeKey(1, 2, new Uint8Array(32).fill(3)).publicKey), undefined)
  t.equal(knownKeyAlarm(new Uint8Array(0)), undefined)
  for (const { publicKey } of keys) {
    const point = octets(publicKey)
    t.equal(knownKeyAlarm(point.with(31, (point[31] ?? 0) ^ 1)), undefined)
  }
})
