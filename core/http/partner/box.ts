// Values of partners that must not lie in the clear: AES-256-GCM under a secret of the key store, each bound to its name.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { KeyStore } from '../../runtime/keys.ts'

export interface Box {
  seal(name: string, plain: Uint8Array): Uint8Array
  /** Throws where `sealed` was not sealed under this name. */
  open(name: string, sealed: Uint8Array): Uint8Array
}

// SP 800-38D: 96 random bits.
const IV = 12
const TAG = 16

export async function openBox(keys: KeyStore): Promise<Box> {
  const key = await keys.secret('partner-box', 32)
  return {
    seal(name, plain) {
      const iv = randomBytes(IV)
      const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG }).setAAD(Buffer.from(name))
      return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    },
    open(name, sealed) {
      const end = sealed.length - TAG
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, IV), { authTagLength: TAG })
      decipher.setAAD(Buffer.from(name)).setAuthTag(sealed.subarray(end))
      return Buffer.concat([decipher.update(sealed.subarray(IV, end)), decipher.final()])
    },
  }
}
