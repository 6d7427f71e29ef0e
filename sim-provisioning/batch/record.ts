// One SIM of a file: texts in, a checked SIM out. What is wrong is said without the value: it may be a key in the wrong column.
import { eid } from '../../core/kernel/eid.ts'
import { fail, isTallycellError } from '../../core/kernel/errors.ts'
import { type Iccid, iccid } from '../../core/kernel/iccid.ts'
import type { Imsi } from '../../core/kernel/ids.ts'
import { type MncDigits, simImsi } from '../profiles/home-imsi.ts'
import { msisdn } from '../profiles/msisdn.ts'
import {
  type Algorithm,
  type AuthMaterial,
  CODES,
  type CodeMaterial,
  encodeAuth,
  encodeCodes,
  operatorKey,
} from '../vault/material.ts'
import { type Transport, unpadCode } from '../vault/transport.ts'

/** Names of fields, in the order in which files have them. `op`, `top`: only read, turned into OPc and TOPc, and forgotten. */
export const FIELDS = [
  ...['imsi', 'iccid', 'mnc', 'eid', 'msisdn', 'acc', 'algorithm', 'amf', 'home_key'],
  ...['ki', 'opc', 'op', 'topc', 'top', ...CODES],
] as const

export type SimFields = Readonly<Record<string, string | undefined>>

/** A SIM as files bring it. The keys are octets, so that a log shows no more than how many. */
export interface NewSim {
  readonly iccid: Iccid
  readonly imsi: Imsi
  /** As the file says; undefined where it does not. */
  readonly mncDigits: MncDigits | undefined
  readonly eid: string | undefined
  readonly msisdn: string | undefined
  readonly acc: string | undefined
  readonly algorithm: Algorithm
  /** 4 hex digits. */
  readonly amf: string
  readonly homeKey: number | undefined
  readonly auth: AuthMaterial
  readonly codes: CodeMaterial | undefined
}

export interface RecordOptions {
  /** Under which keys are wrapped in the file. */
  readonly transport?: Transport | undefined
  /** Which of Ki, OPc and TOPc are wrapped; all unless given. Codes are taken as wrapped when they are as long as a block. */
  readonly wrapped?: ReadonlySet<string> | undefined
  /** Home network key on the SIMs whose line names none. */
  readonly homeKey?: number | undefined
}

/** AMF without the separation bit: vectors for EPS and 5G set it (TS 33.102 Annex H). */
export const DEFAULT_AMF = '8000'
const K_OCTETS: Readonly<Record<Algorithm, readonly number[]>> = { milenage: [16], tuak: [16, 32] }
const BLOCK_HEX = 32

/** Throws SIM_ROW, ID_INVALID: of the catalogue, without a key or an identifier in full. */
export function readSim(fields: SimFields, { transport, wrapped, homeKey }: RecordOptions = {}): NewSim {
  const algorithm = readAlgorithm(fields)
  const octets = (name: string, lengths: readonly number[]): Buffer | undefined => {
    const text = fields[name]
    if (text === undefined) return undefined
    const raw = hex(name, text, lengths)
    if (transport === undefined || (wrapped !== undefined && !wrapped.has(name))) return raw
    return transport.unwrap(raw) ?? refuse(name, 'whole blocks of 16 octets', `${raw.length} octets`)
  }
  const k = octets('ki', K_OCTETS[algorithm]) ?? refuse('ki', 'the key of the SIM', 'none')
  const operator = readOperator(algorithm, k, octets)
  const auth = encodeAuth(algorithm, k, operator)
  k.fill(0)
  const digits = named('imsi', simImsi, need(fields, 'imsi'))
  return {
    iccid: named('iccid', iccid, need(fields, 'iccid')),
    imsi: digits,
    mncDigits: fields.mnc === undefined ? undefined : readMnc(fields.mnc, digits),
    eid: fields.eid === undefined ? undefined : named('eid', eid, fields.eid),
    msisdn: fields.msisdn === undefined ? undefined : named('msisdn', msisdn, fields.msisdn),
    acc: fields.acc === undefined ? undefined : hex('acc', fields.acc, [2]).toString('hex'),
    algorithm,
    amf: hex('amf', fields.amf ?? DEFAULT_AMF, [2]).toString('hex'),
    homeKey: fields.home_key === undefined ? homeKey : readHomeKey(fields.home_key),
    auth,
    codes: readCodes(fields, transport),
  }
}

function readAlgorithm({ algorithm, topc, top }: SimFields): Algorithm {
  const name = (algorithm ?? ((topc ?? top) ? 'tuak' : 'milenage')).toLowerCase()
  if (name === 'milenage' || name === 'tuak') return name
  return refuse('algorithm', 'milenage or tuak', `${name.length} characters`)
}

type ReadOctets = (name: string, lengths: readonly number[]) => Buffer | undefined

function readOperator(algorithm: Algorithm, k: Uint8Array, octets: ReadOctets): Uint8Array {
  const [derived, operator, length] = algorithm === 'milenage' ? ['opc', 'op', 16] : ['topc', 'top', 32]
  const given = octets(String(derived), [Number(length)])
  if (given !== undefined) return given
  const op = octets(String(operator), [Number(length)])
  if (op !== undefined) return operatorKey(algorithm, k, op)
  return refuse(String(derived), `${derived} or ${operator}`, 'neither')
}

/** The MNC of a file, by which we know how long it is. */
function readMnc(text: string, digits: Imsi): MncDigits {
  const length = text.length === 2 ? 2 : text.length === 3 ? 3 : undefined
  if (length !== undefined && digits.slice(3, 3 + length) === text) return length
  return refuse('mnc', 'the 2 or 3 digits that follow the MCC in the IMSI', `${text.length} characters`)
}

function readHomeKey(text: string): number {
  if (/^[0-9]{1,3}$/.test(text) && Number(text) <= 255) return Number(text)
  return refuse('home_key', '0 to 255', `${text.length} characters`)
}

/** Forms of the codes (TS 102 221 §9.5): PINs of 4 to 8 digits, PUKs of 8, ADM1 as 8 characters or as hex, keys for OTA as hex. */
const CODE_FORMS: Readonly<Record<string, readonly [RegExp, string]>> = {
  pin: [/^[0-9]{4,8}$/, '4 to 8 digits'],
  puk: [/^[0-9]{8}$/, '8 digits'],
  adm: [/^(?:[0-9]{4,8}|[0-9a-fA-F]{16}|[0-9a-fA-F]{32})$/, '4 to 8 digits, or 16 or 32 hex digits'],
  key: [/^(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{48}|[0-9a-fA-F]{64})$/, '32, 48 or 64 hex digits'],
}

function readCodes(fields: SimFields, transport: Transport | undefined): CodeMaterial | undefined {
  const codes: Record<string, string> = {}
  for (const name of CODES) {
    const text = fields[name]
    if (text === undefined) continue
    const form = CODE_FORMS[name.slice(0, 3)] ?? CODE_FORMS.key
    const plain = transport === undefined ? text : unwrapCode(name, text, transport)
    if (form === undefined || !form[0].test(plain))
      refuse(name, form?.[1] ?? '', `${plain.length} characters of another form`)
    codes[name] = plain
  }
  return encodeCodes(codes)
}

function unwrapCode(name: string, text: string, transport: Transport): string {
  const key = name.startsWith('k')
  if (!key && text.length !== BLOCK_HEX) return text
  const plain = transport.unwrap(hex(name, text, [16, 24, 32]))
  if (plain === undefined) return refuse(name, 'whole blocks of 16 octets', `${text.length} characters`)
  return key ? plain.toString('hex') : unpadCode(plain)
}

const need = (fields: SimFields, name: string): string => fields[name] ?? refuse(name, 'a value', 'none')

function hex(field: string, text: string, lengths: readonly number[]): Buffer {
  if (/^[0-9a-fA-F]*$/.test(text) && lengths.some((length) => text.length === 2 * length))
    return Buffer.from(text, 'hex')
  return refuse(field, `${lengths.map((length) => 2 * length).join(' or ')} hex digits`, `${text.length} characters`)
}

function named<Value>(field: string, parse: (text: string) => Value, text: string): Value {
  try {
    return parse(text)
  } catch (error) {
    if (!isTallycellError(error)) throw error
    return refuse(field, String(error.context.expected), String(error.context.came))
  }
}

const refuse = (field: string, expected: string, came: string): never => fail('SIM_ROW', { field, expected, came })
