// A module's part of the configuration: one key of tallycell.yaml and the schema below it.
import type { Static, TObject } from 'typebox'

/** Every property of `schema` has a description, a default where one makes sense, and its unit in the description. */
export interface Section<Schema extends TObject = TObject> {
  readonly key: string
  readonly schema: Schema
}

export type Settings<Of extends Section> = Static<Of['schema']>

/** One value in force and where it was set. */
export interface Setting {
  /** Keys from the top, joined by '.': `http.listen`. */
  readonly path: string
  readonly value: unknown
  readonly origin: 'default' | 'file' | 'environment' | 'program'
  /** `tallycell.yaml:3` or the name of the variable. */
  readonly place?: string
}

/** The configuration in force: file, then environment, checked against every section. */
export interface Config {
  /** Absolute folder of the database, log tiles and keys. */
  readonly dataDir: string
  /** Absolute path of the configuration file, if one was read. */
  readonly file: string | undefined
  /** Every value in force, in the order of the sections. */
  readonly settings: readonly Setting[]
  get<Of extends Section>(section: Of): Settings<Of>
  /** `file` of a setting, made absolute against the folder of the configuration file. */
  resolvePath(file: string): string
}
