// What our records say and TS 32.298 has no field for, as a management extension (X.721, DMI-EXTENSION): who pays, for which radio,
// and what it cost. A reader that does not know it passes over it; its significance is left at FALSE.
import { radioId, subscriberId } from '../../../core/kernel/ids.ts'
import { readElement } from '../../../core/wire/ber/element.ts'
import { type BerFault, isBerFault } from '../../../core/wire/ber/fault.ts'
import {
  ANY,
  mapped,
  optional,
  required,
  sequence,
  sequenceOf,
  setOf,
  type ValueOfType,
} from '../../../core/wire/ber/type.ts'
import { BOOLEAN, INTEGER, ia5String, OBJECT_IDENTIFIER, utf8String } from '../../../core/wire/ber/values.ts'
import { TIME_STAMP, U64 } from './octet-strings.ts'

/** Under the arc of UUIDs, which needs no registration (X.667 §7): 8af458be-4979-493e-a439-50e10f5fd640. */
export const EXTENSION_OID = '2.25.184702183779935919088724786179070744128'

const MANAGEMENT_EXTENSION = sequence({
  identifier: required(undefined, OBJECT_IDENTIFIER),
  significance: optional(1, BOOLEAN),
  information: required(2, ANY),
})
export const MANAGEMENT_EXTENSIONS = setOf(MANAGEMENT_EXTENSION)

const TEXT = utf8String(256, 1)
const SUBSCRIBER = named(subscriberId)
const RADIO = named(radioId)

const EXTENSION = sequence({
  number: required(0, U64),
  tenant: required(1, TEXT),
  subscriber: required(2, SUBSCRIBER),
  origin: required(3, TEXT),
  session: required(4, TEXT),
  radio: optional(5, RADIO),
  charge: required(6, INTEGER),
  currency: required(7, ia5String(3, 3)),
  closed: required(8, TIME_STAMP),
  /** One for each service container, in the same order. */
  services: required(
    9,
    sequenceOf(
      sequence({
        charge: required(0, INTEGER),
        bundleOctets: required(1, U64),
        zeroRatedOctets: required(2, U64),
        tariff: optional(3, TEXT),
      }),
    ),
  ),
})

export type Extension = ValueOfType<typeof EXTENSION>
type ManagementExtensions = ValueOfType<typeof MANAGEMENT_EXTENSIONS>

/** Throws BER_VALUE_INVALID. */
export function writeExtension(extension: Extension): ManagementExtensions {
  const information = EXTENSION.write(extension) as Uint8Array
  return [{ identifier: EXTENSION_OID, significance: undefined, information }]
}

/** Undefined where there is none of ours. */
export function readExtension(extensions: ManagementExtensions | undefined): Extension | BerFault | undefined {
  const ours = extensions?.find(({ identifier }) => identifier === EXTENSION_OID)
  if (ours === undefined) return undefined
  const element = readElement(ours.information)
  return isBerFault(element) ? element : EXTENSION.read(element)
}

/** Text that `parse` makes an id of; it throws for any other. */
function named<Id extends string>(parse: (text: string) => Id) {
  const held = (text: string): Id | undefined => {
    try {
      return parse(text)
    } catch {
      return undefined
    }
  }
  return mapped(utf8String(64, 1), held, held)
}
