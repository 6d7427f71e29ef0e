// Reads tallycell.yaml and the environment into one checked configuration.
import { readFileSync, statSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { Type } from 'typebox'
import { fail } from '../kernel/errors.ts'
import { type Checking, checkObject } from './check.ts'
import { CONFIG_VARIABLE, readEnvironment } from './environment.ts'
import { type Entry, fromValue, type Located, type Place, parseYaml } from './located.ts'
import { leaves, type SchemaView } from './schema.ts'
import type { Config, Section, Setting, Settings } from './section.ts'

export const DEFAULT_FILE = 'tallycell.yaml'
const MAX_OCTETS = 1_048_576

const dataDirSchema = Type.String({
  minLength: 1,
  default: './tallycell-data',
  description: 'Folder of the database, log tiles and keys. A relative path starts at the folder of this file.',
})

export interface LoadOptions {
  /** From --config. */
  readonly file?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where a relative `file` and the default file are looked for. */
  readonly cwd?: string
  /** Set by the program itself (a demonstration, a test); these win over the file and the environment. */
  readonly values?: Readonly<Record<string, unknown>>
}

/** All settings as one object schema: `dataDir`, then one key per section. */
export function wholeSchema(sections: readonly Section[]): SchemaView {
  const keys = sections.map(({ key }) => key)
  const twice = keys.find((key, index) => keys.indexOf(key) !== index)
  if (twice !== undefined) throw new RangeError(`two sections have the key ${twice}`)
  return {
    type: 'object',
    required: ['dataDir', ...keys],
    properties: { dataDir: dataDirSchema, ...Object.fromEntries(sections.map(({ key, schema }) => [key, schema])) },
  }
}

/**
 * The configuration in force. The file is `file`, else what TALLYCELL_CONFIG names, else ./tallycell.yaml if there is one.
 * Throws CONFIG_UNREADABLE, or CONFIG_INVALID with every problem listed.
 */
export function loadConfig(
  sections: readonly Section[],
  { file, env, cwd = process.cwd(), values }: LoadOptions,
): Config {
  const schema = wholeSchema(sections)
  const problems: string[] = []
  const complain = (place: Place | undefined, problem: string): void => {
    problems.push(place ? `${place.text}: ${problem}` : problem)
  }
  const source = findFile(file, env, cwd)
  const written = source === undefined ? undefined : readSource(source, complain)
  const set = values && fromValue(values, { origin: 'program', text: 'program' })
  const known = leaves(schema)
  const overrides = readEnvironment(env, known, complain)
  for (const { path } of known) if (set && find(set, path)) overrides.delete(path.join('.'))
  const settings: Setting[] = []
  const checking: Checking = {
    overrides,
    complain: (place, path, problem) => complain(place, path === '' ? problem : `${path}: ${problem}`),
    record: (setting) => settings.push(setting),
  }
  const checked = checkObject(schema, merge(written, set), '', checking) as Record<string, unknown>
  if (problems.length > 0)
    fail('CONFIG_INVALID', { count: problems.length, problems: problems.map((line) => `  ${line}`).join('\n') })
  const folder = source === undefined ? cwd : dirname(source)
  return {
    dataDir: resolve(folder, String(checked.dataDir)),
    file: source,
    settings,
    get<Of extends Section>({ key }: Of): Settings<Of> {
      if (!Object.hasOwn(checked, key)) throw new RangeError(`the section ${key} was not loaded`)
      return checked[key] as Settings<Of>
    },
    resolvePath: (path) => resolve(folder, path),
  }
}

/** Absolute path of the file to read; undefined when nothing was named and the default file does not exist. */
function findFile(file: string | undefined, env: LoadOptions['env'], cwd: string): string | undefined {
  const named = file ?? (env[CONFIG_VARIABLE] || undefined)
  if (named !== undefined) return resolve(cwd, named)
  const path = resolve(cwd, DEFAULT_FILE)
  return statSync(path, { throwIfNoEntry: false }) ? path : undefined
}

function readSource(file: string, complain: (place: Place, problem: string) => void): Located | undefined {
  const name = basename(file)
  return parseYaml(readText(file), (line) => ({ origin: 'file', text: `${name}:${line}` }), complain)
}

function readText(file: string): string {
  let octets: Buffer
  try {
    const stat = statSync(file)
    if (stat.isDirectory()) fail('CONFIG_UNREADABLE', { file, reason: 'it is a folder' })
    // A pipe (`--config <(...)`) is fine; a device may never end.
    if (!stat.isFile() && !stat.isFIFO()) fail('CONFIG_UNREADABLE', { file, reason: 'it is not a file' })
    if (stat.size > MAX_OCTETS) fail('CONFIG_UNREADABLE', { file, reason: `it is larger than ${MAX_OCTETS} octets` })
    octets = readFileSync(file)
  } catch (error) {
    if (!(error instanceof Error) || !('syscall' in error)) throw error
    const reason = 'code' in error && error.code === 'ENOENT' ? 'there is no such file' : error.message
    return fail('CONFIG_UNREADABLE', { file, reason }, error)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(octets)
  } catch (error) {
    return fail('CONFIG_UNREADABLE', { file, reason: 'it is not UTF-8 text' }, error)
  }
}

function find(located: Located, path: readonly string[]): Located | undefined {
  return path.reduce<Located | undefined>(
    (at, key) => (at?.kind === 'map' ? at.entries.get(key)?.value : undefined),
    located,
  )
}

/** `over` on `under`, key by key; lists and scalars are replaced whole. */
function merge(under: Located | undefined, over: Located | undefined): Located | undefined {
  if (!over || !under) return over ?? under
  if (under.kind !== 'map' || over.kind !== 'map') return over
  const entries = new Map<string, Entry>(under.entries)
  for (const [key, entry] of over.entries) {
    const value = merge(entries.get(key)?.value, entry.value)
    entries.set(key, value ? { place: entry.place, value } : entry)
  }
  return { kind: 'map', place: under.place, entries }
}
