// A module's part of the configuration: one key of tallycell.yaml and the schema below it.
import type { Static, TObject } from 'typebox'

/** Every property of `schema` has a description, a default where one makes sense, and its unit in the description. */
export interface Section<Schema extends TObject = TObject> {
  readonly key: string
  readonly schema: Schema
}

export type Settings<Of extends Section> = Static<Of['schema']>

/** The configuration in force: file, then environment, checked against every section. */
export interface Config {
  /** Absolute folder of the database, log tiles and keys. */
  readonly dataDir: string
  get<Of extends Section>(section: Of): Settings<Of>
  /** `file` of a setting, made absolute against the folder of the configuration file. */
  resolvePath(file: string): string
}
