// `tallycell receipt`: take a receipt out of the log, and check one without trusting anybody.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command, CommandContext, Input, Output } from '../../core/cli/command.ts'
import type { Config } from '../../core/config/section.ts'
import { fail } from '../../core/kernel/errors.ts'
import { radioId } from '../../core/kernel/ids.ts'
import { decimal } from '../../core/kernel/units.ts'
import { explain } from '../policy/judge.ts'
import { describeEntry, entryJson } from './entries/describe.ts'
import type { Entry } from './entries/dictionary.ts'
import { openCheckpoint } from './note/checkpoint.ts'
import { formatVkey, parseVkey, type VerifierKey } from './note/note.ts'
import { formatReceipt, MAX_RECEIPT, RECEIPT_FAULTS, type Verified, verifyReceipt } from './receipt-file.ts'
import { findReceipt } from './store.ts'
import { CHECKPOINT_PATH, VKEY_PATH } from './tiles/layout.ts'
import { createLogReader } from './tiles/reader.ts'
import { directoryTiles } from './tiles/sources.ts'

export interface ReceiptCommandsOptions {
  /** The log's folder. */
  readonly directory: (config: Config) => string
  /** Verifier keys of the oracles that may cosign checkpoints. */
  readonly cosigners?: (config: Config) => readonly VerifierKey[]
}

const NOTE_LIMIT = 65_536

export function receiptCommands({ directory, cosigners = () => [] }: ReceiptCommandsOptions): readonly Command[] {
  const show: Command = {
    path: ['receipt', 'show'],
    summary: 'show an entry of the receipt log with its proof, by index or by radio and number',
    positionals: [{ name: 'index', summary: 'index of the entry in the log' }],
    options: {
      radio: { value: 'ID', summary: 'the radio whose receipt to show' },
      seq: { value: 'N', summary: 'the number of the receipt among those of the radio, from 1' },
      out: { value: 'FILE', summary: 'write the receipt to FILE, to keep or to check elsewhere' },
    },
    examples: ['tallycell receipt show 12', 'tallycell receipt show --radio cafe-1 --seq 3 --out cafe-1-3.tlog-proof'],
    async run(input, context) {
      const config = await context.config()
      const index = await findIndex(input, context)
      const folder = directory(config)
      const key = await readKey(undefined, folder)
      const { text, verified } = await makeReceipt(folder, key, index, cosigners(config))
      const { out } = input.options
      if (out !== undefined) await save(out, text)
      const lines = [
        ...table([
          ['log', key.name],
          ['entry', `${index} of ${verified.checkpoint.size}`],
          ...describeEntry(verified.entry),
        ]),
        ...meaning(verified.entry),
        `The log's key is ${formatVkey(key)}`,
        out === undefined
          ? 'Keep it as a file with --out FILE'
          : `Written to ${out}; check it with: tallycell receipt verify ${out}`,
      ]
      return { text: lines.join('\n'), json: { ...summary(verified), key: formatVkey(key), receipt: text, file: out } }
    },
  }

  const verify: Command = {
    path: ['receipt', 'verify'],
    summary: 'check a receipt file: the entry, its place in the log, and the signatures',
    positionals: [{ name: 'file', summary: 'a file that `receipt show --out` wrote', required: true }],
    options: {
      key: {
        value: 'VKEY',
        summary: "the log's verifier key, as it publishes it; default: that of the log in the data folder",
      },
    },
    examples: [
      'tallycell receipt verify cafe-1-3.tlog-proof',
      'tallycell receipt verify cafe-1-3.tlog-proof --key example.com/log+1d2c3b4a+AQ…',
    ],
    async run(input, context) {
      const file = input.args.file ?? ''
      const config = await context.config()
      const text = await load(file)
      const key = await readKey(input.options.key, directory(config))
      const verified =
        text === undefined
          ? ({ ok: false, fault: 'not-a-receipt' } as const)
          : verifyReceipt(text, key, cosigners(config))
      if (!verified.ok) return refused(file, verified.fault)
      const { entry, receipt, checkpoint, cosigned } = verified
      const lines = [
        `The receipt is genuine: entry ${receipt.index} of the log ${checkpoint.origin}, under its signature over ${checkpoint.size} entries.`,
        ...cosigned.map(
          ({ key: { name }, seconds }) => `Cosigned by ${name} at ${new Date(Number(seconds) * 1000).toISOString()}.`,
        ),
        ...table(describeEntry(entry)),
        ...meaning(entry),
      ]
      return { text: lines.join('\n'), json: { genuine: true, ...summary(verified) } }
    },
  }
  return [show, verify]
}

/** The index that the words of the command name. */
async function findIndex({ args, options }: Input, context: CommandContext): Promise<bigint> {
  if (args.index !== undefined) return decimal(args.index, 'the index of an entry')
  const { radio, seq } = options
  if (radio === undefined || seq === undefined)
    return fail('CLI_ARGUMENT_MISSING', {
      name: 'INDEX',
      expected: 'the index of an entry, or --radio ID with --seq N',
      usage: 'tallycell receipt show INDEX | --radio ID --seq N',
    })
  const sequence = decimal(seq, 'the number of a receipt')
  const index = await findReceipt(await context.store(), radioId(radio), sequence)
  return index ?? fail('RECEIPT_UNKNOWN', { what: `${sequence} of the radio '${radio}'` })
}

/** Makes a receipt from the published files, and checks it as its owner will. */
async function makeReceipt(
  folder: string,
  key: VerifierKey,
  index: bigint,
  cosigners: readonly VerifierKey[],
): Promise<{ text: string; verified: Extract<Verified, { ok: true }> }> {
  const tiles = directoryTiles(folder)
  const source = await tiles.read(CHECKPOINT_PATH, NOTE_LIMIT)
  if (!source) return fail('LOG_NOT_PUBLISHED', { index })
  const checkpoint = Buffer.from(source).toString()
  const opened = openCheckpoint(checkpoint, key, cosigners)
  if (!opened.ok) return fail('LOG_TILE_UNREADABLE', { path: CHECKPOINT_PATH, reason: RECEIPT_FAULTS[opened.fault] })
  const { size } = opened.checkpoint
  if (index >= size) return fail('LOG_NOT_PUBLISHED', { index })
  const reader = createLogReader(tiles)
  const [entry, proof] = await Promise.all([reader.entry(index, size), reader.inclusionProof(index, size)])
  const text = formatReceipt({ entry, index, proof, checkpoint })
  const verified = verifyReceipt(text, key, cosigners)
  if (!verified.ok)
    return fail('LOG_TILE_UNREADABLE', { path: `entry ${index}`, reason: RECEIPT_FAULTS[verified.fault] })
  return { text, verified }
}

function refused(file: string, fault: keyof typeof RECEIPT_FAULTS): Output {
  const reason = RECEIPT_FAULTS[fault]
  return { text: `The receipt ${file} is NOT genuine: ${reason}.`, json: { genuine: false, fault, reason }, exit: 1 }
}

function summary({ entry, receipt, checkpoint, cosigned }: Extract<Verified, { ok: true }>): Record<string, unknown> {
  return {
    origin: checkpoint.origin,
    index: receipt.index,
    checkpointSize: checkpoint.size,
    cosigned: cosigned.map(({ key, seconds }) => ({ name: key.name, seconds })),
    entry: entryJson(entry),
  }
}

function meaning(entry: Entry): string[] {
  return entry.type === 'usage' ? [explain(entry.verdict)] : []
}

function table(rows: readonly (readonly [name: string, value: string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)
}

/** The key given in words, else the log's own. */
async function readKey(given: string | undefined, folder: string): Promise<VerifierKey> {
  const file = join(folder, VKEY_PATH)
  const stored = given === undefined ? await directoryTiles(folder).read(VKEY_PATH, NOTE_LIMIT) : undefined
  const line = given ?? (stored && Buffer.from(stored).toString().trim()) ?? fail('RECEIPT_KEY_MISSING', { file })
  return parseVkey(line) ?? fail('RECEIPT_KEY_INVALID', { came: line.slice(0, 120) })
}

/** The text of a receipt file; undefined when it is too long or not UTF-8, and so no receipt. */
async function load(file: string): Promise<string | undefined> {
  let octets: Uint8Array
  try {
    octets = await readFile(file)
  } catch (error) {
    return fail('RECEIPT_FILE_UNREADABLE', { file, reason: reasonOf(error) }, error)
  }
  if (octets.length > MAX_RECEIPT) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets)
  } catch {
    return undefined
  }
}

async function save(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text)
  } catch (error) {
    fail('RECEIPT_FILE_UNWRITABLE', { file, reason: reasonOf(error) }, error)
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
