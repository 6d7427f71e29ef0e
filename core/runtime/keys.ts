// Signing keys at rest.

/** An Ed25519 key (RFC 8032). The private part never leaves it. */
export interface SigningKey {
  readonly name: string
  /** 32 octets. */
  readonly publicKey: Uint8Array
  /** 64 octets. */
  sign(message: Uint8Array): Uint8Array
}

export interface KeyStore {
  /** The key `name` (a-z, 0-9, '-'), made and stored encrypted on first use. */
  signingKey(name: string): Promise<SigningKey>
}
