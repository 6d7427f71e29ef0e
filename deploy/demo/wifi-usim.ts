// The SIM in the demonstration's Wi-Fi phone: what TS 31.102 §7.1.2 calls AUTHENTICATE, in the 3G security context.
import { randomBytes } from 'node:crypto'
import { milenage } from '../../sim-provisioning/module.ts'

/** What a card maker sends along with a card, hex. */
export interface CardKeys {
  readonly ki: string
  readonly opc: string
}

export interface UsimAnswer {
  readonly res: Uint8Array
  readonly ck: Uint8Array
  readonly ik: Uint8Array
}

export interface Usim {
  /** Undefined where the challenge is not from who has this card's key, or was used before (TS 33.102 §6.3.3). */
  authenticate(rand: Uint8Array, autn: Uint8Array): UsimAnswer | undefined
}

export const newCardKeys = (): CardKeys => ({
  ki: randomBytes(16).toString('hex'),
  opc: randomBytes(16).toString('hex'),
})

export function createUsim({ ki, opc }: CardKeys): Usim {
  const functions = milenage(Buffer.from(ki, 'hex'), Buffer.from(opc, 'hex'))
  let newest = -1n
  return {
    authenticate(rand, autn) {
      const { res, ck, ik, ak } = functions.f2345(rand)
      const sqn = Buffer.from(autn.subarray(0, 6).map((octet, index) => octet ^ (ak[index] ?? 0)))
      const genuine = Buffer.from(functions.f1(rand, sqn, autn.subarray(6, 8))).equals(autn.subarray(8, 16))
      const number = BigInt(`0x${sqn.toString('hex')}`)
      if (!genuine || number <= newest) return undefined
      newest = number
      return { res, ck, ik }
    },
  }
}
