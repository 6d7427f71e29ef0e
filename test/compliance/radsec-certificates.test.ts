// Certificates of sites: issued once, seen by every process, revoked for good, on both engines.
import { X509Certificate } from 'node:crypto'
import t from 'tap'
import { radioId, wallet } from '../../core/kernel/ids.ts'
import { millis } from '../../core/kernel/units.ts'
import { createKeyStore } from '../../core/runtime/keys.ts'
import { fingerprintOf, newKey, requestedKey } from '../../radio/certificates/authority.ts'
import { createCertificateDirectory, findAuthority } from '../../radio/certificates/directory.ts'
import {
  addCertificate,
  listCertificates,
  revokeCertificate,
  revokedCertificates,
} from '../../radio/certificates/store.ts'
import { addRadio } from '../../radio/registry/store.ts'
import { onEachEngine } from './engines.ts'

const NOW = millis(1_795_000_000_000)
const OWNER = wallet('7EqQdEULxWcraVx3mXKFjc84LhCkMGZCkRuDpvcMwJeK')
const clock = () => NOW

onEachEngine('issued by one process, known to another, revoked by a third', async (t, database) => {
  const keys = createKeyStore({ directory: `${t.testdir({ keys: {} })}/keys/store` })
  const [store, other] = [await database.open(), await database.open()]
  for (const name of ['cafe-1', 'cafe-2'])
    await addRadio(store, { radio: radioId(name), access: 'wifi', nasIdentifier: name, owner: OWNER }, NOW)
  const directory = createCertificateDirectory({ store: other, keys, clock }, { minInterval: 0 })
  await directory.refresh()

  const [first, second] = await Promise.all([
    findAuthority({ store, keys, clock }),
    findAuthority({ store: other, keys, clock }),
  ])
  t.same(first.certificate, second.certificate, 'two that make the authority at once get the same')

  const { key } = await newKey()
  const span = { from: new Date(Number(NOW)), until: new Date(Number(NOW) + 86_400_000) }
  const { serial, certificate } = await first.issueClient('cafe-1', key, span)
  const fingerprint = fingerprintOf(certificate)
  const added = {
    ...{ serial, fingerprint, certificate, radio: radioId('cafe-1'), others: [radioId('cafe-2')] },
    expires: millis(span.until.getTime()),
  }
  await addCertificate(store, added, NOW)
  t.equal(directory.byFingerprint(fingerprint), undefined)
  await directory.refresh()
  const read = new X509Certificate(certificate)
  t.equal(read.fingerprint256.replaceAll(':', '').toLowerCase(), fingerprint)
  t.ok(read.checkIssued(new X509Certificate(first.certificate)))
  t.match(directory.byFingerprint(fingerprint), {
    serial,
    radio: 'cafe-1',
    members: ['cafe-1', 'cafe-2'],
    revoked: false,
  })

  await t.rejects(
    addCertificate(store, { ...added, serial: 'aa', fingerprint: 'bb', others: [radioId('nobody')] }, NOW),
    {
      code: 'RADIO_UNKNOWN',
    },
  )
  t.equal((await listCertificates(store, undefined, { limit: 10, after: undefined })).certificates.length, 1)
  t.equal((await listCertificates(store, radioId('cafe-2'), { limit: 10, after: undefined })).certificates.length, 1)
  t.equal((await listCertificates(store, radioId('cafe-3'), { limit: 10, after: undefined })).certificates.length, 0)

  await revokeCertificate(store, serial, 'stolen', NOW)
  await t.rejects(revokeCertificate(store, serial, 'stolen', NOW), { code: 'RADIO_CERT_REVOKED' })
  await t.rejects(revokeCertificate(store, 'ff', 'stolen', NOW), { code: 'RADIO_CERT_UNKNOWN' })
  await directory.refresh()
  t.equal(directory.byFingerprint(fingerprint)?.revoked, true)
  t.match(await revokedCertificates(store, NOW), [{ serial, revoked_at: NOW }])

  const strange = createKeyStore({ directory: `${t.testdir({ strange: {} })}/strange/store` })
  await t.rejects(findAuthority({ store, keys: strange, clock }), { code: 'RADIO_AUTHORITY_LOST' })
})

t.test('only a request that is signed by its own key is one', async (t) => {
  await t.rejects(requestedKey('nonsense'), { code: 'RADIO_CERT_REQUEST' })
})
