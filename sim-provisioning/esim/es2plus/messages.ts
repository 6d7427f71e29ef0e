// ES2+ as JSON (SGP.22 §6.5.1 and §6.5.2): what we ask an SM-DP+, what it answers, what it tells us. Strings are checked as the standard's
// own schemas do; members that we do not know are left alone.
import { type Static, type TSchema, Type } from 'typebox'
import { Value } from 'typebox/value'
import type { Es2Function } from './status-codes.ts'

/** The version that we speak (SGP.22 §6.2); every 2.x understands the functions below. */
export const ADMIN_PROTOCOL = 'gsma/rsp/v2.5.0'
export const ES2_PATH = '/gsma/rsp2/es2plus/'

const Iccid = Type.String({ pattern: '^[0-9]{18,19}[0-9Ff]?$' })
const Eid = Type.String({ pattern: '^[0-9]{32}$' })
const MatchingId = Type.String({ pattern: '^[0-9A-Z-]{0,255}$' })
const StatusCodeData = Type.Object({
  subjectCode: Type.String({ maxLength: 32 }),
  reasonCode: Type.String({ maxLength: 32 }),
  subjectIdentifier: Type.Optional(Type.String()),
  message: Type.Optional(Type.String()),
})
const ExecutionStatus = Type.Object({
  status: Type.Enum(['Executed-Success', 'Executed-WithWarning', 'Failed', 'Expired']),
  statusCodeData: Type.Optional(StatusCodeData),
})

/** SGP.22 §6.5.1.4. */
export const Answer = Type.Object({ header: Type.Object({ functionExecutionStatus: ExecutionStatus }) })
export type Answer = Static<typeof Answer>

/** What a function answers when it was carried out. */
export const RESULTS = {
  downloadOrder: Type.Object({ iccid: Iccid }),
  confirmOrder: Type.Object({
    matchingId: MatchingId,
    eid: Type.Optional(Eid),
    smdpAddress: Type.Optional(Type.String({ minLength: 1, maxLength: 253 })),
  }),
  cancelOrder: Type.Object({}),
  releaseProfile: Type.Object({}),
} satisfies Record<Es2Function, TSchema>
export type Result<Name extends Es2Function> = Static<(typeof RESULTS)[Name]>

/** What a function is asked. An ICCID of 19 digits goes with its filler: versions before 2.2 know no other. */
export interface Requests {
  readonly downloadOrder: {
    readonly iccid?: string | undefined
    readonly eid?: string | undefined
    readonly profileType?: string | undefined
  }
  readonly confirmOrder: {
    readonly iccid: string
    readonly eid?: string | undefined
    readonly matchingId?: string | undefined
    readonly confirmationCode?: string | undefined
    readonly releaseFlag: boolean
  }
  readonly cancelOrder: {
    readonly iccid: string
    readonly eid?: string | undefined
    readonly matchingId?: string | undefined
    readonly finalProfileStatusIndicator: FinalState
  }
  readonly releaseProfile: { readonly iccid: string }
}

/** What becomes of a profile whose order is called off (SGP.22 §5.3.3): free for another order, or never to be used. */
export const FINAL_STATES = ['Available', 'Unavailable'] as const
export type FinalState = (typeof FINAL_STATES)[number]

/** SGP.22 §5.3.5. Some SM-DP+ write the number of the point as text. */
const Progress = Type.Object({
  header: Type.Object({
    functionRequesterIdentifier: Type.String({ minLength: 1, maxLength: 255 }),
    functionCallIdentifier: Type.String({ minLength: 1, maxLength: 255 }),
  }),
  eid: Type.Optional(Eid),
  iccid: Iccid,
  profileType: Type.Optional(Type.String({ maxLength: 255 })),
  timestamp: Type.Optional(Type.String({ maxLength: 64 })),
  notificationPointId: Type.Union([
    Type.Integer({ minimum: 0, maximum: 999 }),
    Type.String({ pattern: '^[0-9]{1,3}$' }),
  ]),
  notificationPointStatus: ExecutionStatus,
  resultData: Type.Optional(Type.String()),
})
export type Progress = Static<typeof Progress>

/** A notification, or where it is none: the path of what is wrong. */
export function readProgress(value: unknown): { readonly progress: Progress } | { readonly wrong: string } {
  if (Value.Check(Progress, value)) return { progress: value }
  return { wrong: firstFault(Progress, value) }
}

/** `undefined` where `value` is none; the schema says what it has to be. */
export const readAs = <Schema extends TSchema>(schema: Schema, value: unknown): Static<Schema> | undefined =>
  Value.Check(schema, value) ? value : undefined

/** Where a value first differs from its schema, without the value. */
export function firstFault(schema: TSchema, value: unknown): string {
  const [fault] = Value.Errors(schema, value)
  return fault === undefined ? 'nothing' : `${fault.instancePath || '/'} ${fault.message}`
}

const ICCID_FIELD = 20

export const padIccid = (iccid: string): string => iccid.padEnd(ICCID_FIELD, 'F').slice(0, ICCID_FIELD)
