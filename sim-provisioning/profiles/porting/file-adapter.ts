// Porting orders as files, for a clearing house or a back office that takes and gives files: one JSON object each, put whole into the folder
// `out`; answers are taken from the folder `in`, and lie in `done` or `bad` afterwards.
import { mkdir, open, readdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { fail, isTallycellError } from '../../../core/kernel/errors.ts'
import { toJson } from '../../../core/kernel/units.ts'
import type { Store } from '../../../core/store/store.ts'
import type { Act } from '../act.ts'
import type { PortState } from '../subscription-machine.ts'
import { movePort, type PortAdapter } from './porting.ts'
import type { Port } from './store.ts'

const FORMAT = 'tallycell-port/1'
const MAX_OCTETS = 65_536

/** Each order is a file of its own, named for the port: the same order twice is the same file. */
export function createFileAdapter(folder: string): PortAdapter {
  const referenceOf = ({ portId }: Port): string => `port-${portId}`
  return {
    async submit(port, pin) {
      const reference = referenceOf(port)
      await writeOrder(folder, `${reference}-submit.json`, { order: 'submit', ...describe(port), pin })
      return { reference }
    },
    async cancel(port) {
      const { portId, reference } = port
      await writeOrder(folder, `${referenceOf(port)}-cancel.json`, { order: 'cancel', port: portId, reference })
    },
  }
}

const describe = ({ portId, direction, msisdn, partner, account, foc }: Port) => ({
  port: portId,
  direction,
  msisdn,
  partner,
  account,
  foc: foc === undefined ? undefined : new Date(Number(foc)).toISOString(),
})

/** Whole or not at all, and durable before the order counts as handed in. For our user alone: it may hold a PIN. */
async function writeOrder(folder: string, name: string, order: object): Promise<void> {
  const out = join(folder, 'out')
  const temporary = join(out, `.${name}.tmp`)
  try {
    await mkdir(out, { recursive: true, mode: 0o700 })
    const file = await open(temporary, 'w', 0o600)
    try {
      await file.writeFile(`${toJson({ format: FORMAT, ...order })}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, join(out, name))
    const directory = await open(out)
    await directory.sync().finally(() => directory.close())
  } catch (error) {
    if (error instanceof Error && 'syscall' in error)
      fail('PORT_FOLDER_UNUSABLE', { folder: out, reason: error.message }, error)
    throw error
  }
}

const answerSchema = Type.Object(
  {
    format: Type.Literal(FORMAT),
    port: Type.String({ pattern: '^[0-9]{1,18}$' }),
    answer: Type.Union([Type.Literal('confirm'), Type.Literal('refuse'), Type.Literal('complete')]),
    reference: Type.Optional(Type.String({ maxLength: 200 })),
    reason: Type.Optional(Type.String({ maxLength: 500 })),
  },
  { additionalProperties: false },
)

const REACHED = { confirm: 'confirmed', refuse: 'refused', complete: 'completed' } as const satisfies Record<
  string,
  PortState
>

export interface TakenAnswer {
  readonly file: string
  /** State of the port now; undefined where the answer was put aside. */
  readonly state: string | undefined
  readonly problem: string | undefined
}

/** Takes every answer that lies in `in`, in the order of their names. One that makes no sense is put aside, and stops no other. */
export async function takeAnswers(store: Store, folder: string, act: Act): Promise<TakenAnswer[]> {
  const from = join(folder, 'in')
  const taken: TakenAnswer[] = []
  for (const file of (await list(from)).filter((name) => /^[^.].*\.json$/.test(name)).sort()) {
    const result = await takeAnswer(store, join(from, file), act)
    const to = join(folder, result.problem === undefined ? 'done' : 'bad')
    await mkdir(to, { recursive: true, mode: 0o700 })
    await rename(join(from, file), join(to, file))
    taken.push({ file, ...result })
  }
  return taken
}

async function list(folder: string): Promise<string[]> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    return await readdir(folder)
  } catch (error) {
    return fail('PORT_FOLDER_UNUSABLE', { folder, reason: error instanceof Error ? error.message : '' }, error)
  }
}

async function takeAnswer(store: Store, path: string, act: Act): Promise<Omit<TakenAnswer, 'file'>> {
  const bad = (problem: string) => ({ state: undefined, problem })
  const octets = await readFile(path)
  if (octets.length > MAX_OCTETS) return bad(`it is longer than ${MAX_OCTETS} octets`)
  let answer: unknown
  try {
    answer = JSON.parse(octets.toString('utf8'))
  } catch {
    return bad('it is no JSON')
  }
  if (!Value.Check(answerSchema, answer)) return bad(`it is no answer of the form ${FORMAT}`)
  try {
    const { reference, reason } = answer
    const port = await movePort(store, BigInt(answer.port), answer.answer, { ...act, reference, reason })
    return { state: port.state, problem: undefined }
  } catch (error) {
    if (!isTallycellError(error)) throw error
    // The same answer once more, as after a crash between its taking and its putting away.
    if (error.code === 'SIM_STEP' && error.context.state === REACHED[answer.answer])
      return { state: REACHED[answer.answer], problem: undefined }
    return bad(`${error.message}; ${error.hint}`)
  }
}
