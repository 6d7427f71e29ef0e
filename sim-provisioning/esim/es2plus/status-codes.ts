// What an SM-DP+ says when it does not do what it was asked: subject and reason (SGP.22 §5.2.6), and what the pair means for an order
// (§5.3.1 to §5.3.5).

export type Es2Function = 'downloadOrder' | 'confirmOrder' | 'cancelOrder' | 'releaseProfile'

/** What a peer sends may be the name of any member of an object, but of no map. */
function tableOf<Value = string>(rows: Readonly<Record<string, Value>>): ReadonlyMap<string, Value> {
  return new Map(Object.entries(rows))
}

/** SGP.22 §5.2.6.1, those that concern an operator. */
const SUBJECTS = tableOf({
  '1': 'generic',
  '1.1': 'function requester',
  '1.2': 'function provider',
  '1.3': 'protocol',
  '1.3.1': 'protocol format',
  '1.3.2': 'protocol version',
  '1.6': 'function',
  '8': 'eUICC remote provisioning',
  '8.1': 'eUICC',
  '8.1.1': 'EID',
  '8.2': 'profile',
  '8.2.1': 'ICCID of the profile',
  '8.2.5': 'profile type',
  '8.2.6': 'matching id',
  '8.2.7': 'confirmation code',
  '8.2.8': 'profile policy rules',
  '8.2.9': 'profile metadata',
  '8.2.10': 'bound profile package',
  '8.2.12': 'profile owner',
  '8.8': 'SM-DP+',
  '8.8.1': 'SM-DP+ address',
  '8.8.4': 'certificate of the SM-DP+',
  '8.8.5': 'download order',
  '8.9': 'SM-DS',
  '8.9.1': 'SM-DS address',
  '8.9.5': 'event record of the SM-DS',
  '8.10': 'operation',
  '8.10.1': 'transaction',
})

/** SGP.22 §5.2.6.2. */
const REASONS = tableOf({
  '1': 'access error',
  '1.1': 'unknown, not identified or authenticated',
  '1.2': 'not allowed',
  '2': 'format error',
  '2.1': 'invalid',
  '2.2': 'mandatory element missing',
  '2.3': 'conditional element missing',
  '3': 'conditions of use not satisfied',
  '3.1': 'unsupported',
  '3.3': 'already in use',
  '3.5': 'invalid transition',
  '3.7': 'unavailable',
  '3.8': 'refused',
  '3.9': 'unknown',
  '3.10': 'invalid association',
  '3.11': 'the value has changed',
  '4': 'processing error',
  '4.2': 'execution error',
  '4.3': 'stopped on a warning',
  '4.8': 'not enough memory',
  '4.10': 'time to live expired',
  '5': 'transport error',
  '5.1': 'inaccessible',
  '6': 'security error',
  '6.1': 'verification failed',
  '6.3': 'expired',
  '6.4': 'too many attempts',
})

const ASK_OPERATOR = 'ask the operator of the SM-DP+ whether your requester id may use it'
const CHECK_EID = 'order it without an EID, or with the EID of the phone that it is linked to'
const OTHER_SIM = 'cancel the order that holds it first, or take another SIM'

/** Subject and reason of the functions of ES2+, each with its meaning and what to do. */
const PAIRS = tableOf<readonly [meaning: string, advice: string]>({
  '8.1.1 2.2': ['the EID is missing', 'an order for an SM-DS, or without a matching id, needs the EID of the phone'],
  '8.1.1 3.9': ['the SM-DP+ does not know the phone of this EID', 'check the EID, or order without one'],
  '8.1.1 3.10': ['another EID is linked to the profile', CHECK_EID],
  '8.2.1 1.2': ['this profile is not yours', ASK_OPERATOR],
  '8.2.1 2.2': ['the ICCID or the final state is missing', 'name both'],
  '8.2.1 2.3': ['the ICCID is missing', 'name it'],
  '8.2.1 3.3': ['the profile is taken, or downloaded already', OTHER_SIM],
  '8.2.1 3.5': ['the profile cannot be released from the state it is in', 'see its state at the SM-DP+'],
  '8.2.1 3.9': ['the SM-DP+ does not hold a profile of this ICCID', 'have it loaded there, or take another SIM'],
  '8.2.1 3.10': ['another EID is linked to the ICCID', CHECK_EID],
  '8.2.5 1.2': ['profiles of this type are not yours', ASK_OPERATOR],
  '8.2.5 3.7': ['no profile of this type is left', 'have more of them made'],
  '8.2.5 3.8': ['the profile of this ICCID is of another type', 'leave the profile type out'],
  '8.2.5 3.9': ['the SM-DP+ does not know this profile type', 'check its name'],
  '8.2.6 2.1': ['the SM-DP+ does not take this matching id', 'leave it to us, or to the SM-DP+'],
  '8.2.6 2.2': ['the matching id is missing', 'name it'],
  '8.2.6 3.3': ['the matching id is in use', 'confirm the order again: a new one is made'],
  '8.2.6 3.10': ['another matching id belongs to this profile', 'see the order at the SM-DP+'],
  '8.2.9 2.1': ['the metadata of the profile are not valid', 'correct them at the SM-DP+'],
  '8.2.12 3.10': ['the profile belongs to another owner', ASK_OPERATOR],
  '8.8.5 6.4': ['the phone has tried to download it too often', 'cancel the order and make a new one'],
  '8.2.7 6.4': ['a wrong confirmation code was typed too often', 'cancel the order and make a new one'],
  '8.9 4.2': ['the SM-DS refused the event', 'order without an SM-DS, or see its operator'],
  '8.9 5.1': ['the SM-DS cannot be reached', 'check its address, or order without one'],
})

const code = /^[0-9]{1,2}(?:\.[0-9]{1,2}){0,3}$/

/** A pair in words. Codes that no version of SGP.22 has are not repeated. */
export function describeStatus(subject: string, reason: string): { readonly meaning: string; readonly advice: string } {
  const [meaning, advice] = PAIRS.get(`${subject} ${reason}`) ?? []
  if (meaning !== undefined && advice !== undefined) return { meaning, advice }
  const name = SUBJECTS.get(subject) ?? (code.test(subject) ? `subject ${subject}` : 'something')
  const why = REASONS.get(reason) ?? (code.test(reason) ? `reason ${reason}` : 'no reason that is known')
  return { meaning: `${name}: ${why}`, advice: 'see the order at the SM-DP+, and try again when its cause is gone' }
}

/**
 * What a function answers when it is repeated after it was carried out: the profile is no longer in the state that it leads out of, or the
 * matching id, which nobody else can have, is in use. Nothing tells so for the end of an order.
 */
const CARRIED_OUT: Readonly<Record<Es2Function, readonly string[]>> = {
  downloadOrder: ['8.2.1 3.3'],
  confirmOrder: ['8.2.6 3.3', '8.2.1 3.3', '8.2.1 3.5'],
  releaseProfile: ['8.2.1 3.5'],
  cancelOrder: [],
}

/** True when a repetition was refused only because the first request has been carried out. */
export const carriedOutBefore = (name: Es2Function, subject: string, reason: string): boolean =>
  CARRIED_OUT[name].includes(`${subject} ${reason}`)

/** A profile that is lost to its order: SGP.22 §3.1.6 calls the state Error. */
export const endsInError = (subject: string, reason: string): boolean =>
  reason === '6.4' && (subject === '8.8.5' || subject === '8.2.7')
