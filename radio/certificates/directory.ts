// Which certificate is this, and does it still count? Answered from memory at every handshake; what other processes have issued and
// revoked is read when asked.
import type { CertificateDirectory, KnownCertificate } from '../../core/events/certificates.ts'
import type { Clock } from '../../core/kernel/clock.ts'
import { radioId } from '../../core/kernel/ids.ts'
import type { KeyStore } from '../../core/runtime/keys.ts'
import { createFollower, type FollowOptions } from '../../core/store/follow.ts'
import type { Store } from '../../core/store/store.ts'
import type { Authority } from './authority.ts'
import { certificatesAfter, keepAuthority, readAuthority, type StoredCertificate } from './store.ts'

export interface CertificateDeps {
  readonly store: Store
  readonly keys: KeyStore
  readonly clock: Clock
}

const DAY = 86_400_000
/** Our servers' certificates live this long, days: a node makes itself a new one when it starts, and long before the old one ends. */
const SERVER_DAYS = 90

/** The authority, made on first use. Its library is loaded only then. */
export async function findAuthority({ store, keys, clock }: CertificateDeps): Promise<Authority> {
  const { openAuthority } = await import('./authority.ts')
  const now = clock()
  const stored = await readAuthority(store)
  if (stored) return openAuthority(keys, stored, new Date(Number(now)))
  await keepAuthority(store, (await openAuthority(keys, undefined, new Date(Number(now)))).certificate, now)
  return openAuthority(keys, await readAuthority(store), new Date(Number(now)))
}

/** Call `refresh` before the first question. */
export function createCertificateDirectory(
  deps: CertificateDeps,
  options: FollowOptions = { minInterval: 100 },
): CertificateDirectory {
  const known = new Map<string, KnownCertificate>()
  const take = ({ eventId, certificate }: { eventId: bigint; certificate: StoredCertificate }): bigint => {
    const { fingerprint, serial, radio, members, revoked } = certificate
    known.set(fingerprint, {
      serial,
      radio: radioId(radio),
      members: members.map((member) => radioId(member)),
      revoked: revoked !== undefined,
    })
    return eventId
  }
  const { refresh } = createFollower((after, limit) => certificatesAfter(deps.store, after, limit), take, options)
  return {
    byFingerprint: (fingerprint) => known.get(fingerprint),
    refresh,
    async serverCredentials(names) {
      const { newKey, pem } = await import('./authority.ts')
      const authority = await findAuthority(deps)
      const { key, pem: keyPem } = await newKey()
      const from = new Date(Number(deps.clock()))
      const until = new Date(from.getTime() + SERVER_DAYS * DAY)
      const { certificate } = await authority.issueServer(names, key, { from, until })
      const ca = pem('CERTIFICATE', authority.certificate)
      return { cert: pem('CERTIFICATE', certificate) + ca, key: keyPem, ca, expires: until.getTime() }
    },
  }
}
