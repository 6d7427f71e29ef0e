// The questions that the RadSec server asks about certificates; the radio domain, which issues them, answers.
import type { RadioId } from '../kernel/ids.ts'

/** A site's certificate as it stands now. */
export interface KnownCertificate {
  readonly serial: string
  /** Whose name is its subject. */
  readonly radio: RadioId
  /** The radios whose packets may come over a connection with it: the subject, and others of its site. */
  readonly members: readonly RadioId[]
  readonly revoked: boolean
}

/** PEM, as TLS takes it. */
export interface ServerCredentials {
  readonly cert: string
  readonly key: string
  /** Of whom clients' certificates have to be. */
  readonly ca: string
  /** Milliseconds since 1970 UTC. */
  readonly expires: number
}

/** Answers come from memory; `refresh` reads what other processes have issued and revoked, if anything. */
export interface CertificateDirectory {
  /** `fingerprint`: SHA-256 of the DER form, lower-case hex. */
  byFingerprint(fingerprint: string): KnownCertificate | undefined
  refresh(): Promise<void>
  /** A new certificate of ours for a server of these names (DNS names or IP addresses), and what its clients are checked against. */
  serverCredentials(names: readonly string[]): Promise<ServerCredentials>
}
