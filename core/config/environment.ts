// Settings from the environment: TALLYCELL_ and the path of the setting, words parted by '_', all in capitals.
// http.listen is TALLYCELL_HTTP_LISTEN, dataDir is TALLYCELL_DATA_DIR. Lists and records are written as YAML or JSON.
// A variable that is empty counts as not set.
import { type Located, type Place, parseYaml } from './located.ts'
import { didYouMean } from './nearest.ts'
import type { Leaf, SchemaView } from './schema.ts'

const PREFIX = 'TALLYCELL_'
/** Names the file itself. */
export const CONFIG_VARIABLE = 'TALLYCELL_CONFIG'

/** The variable that sets `path`. */
export function variableName(path: readonly string[]): string {
  return (
    PREFIX +
    path
      .map((key) =>
        key
          .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
          .replace(/[^A-Za-z0-9]/g, '_')
          .toUpperCase(),
      )
      .join('_')
  )
}

/** What the environment sets, by path joined with '.'. A variable of ours that sets nothing is a problem: it would be ignored in silence. */
export function readEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  known: readonly Leaf[],
  complain: (place: Place, problem: string) => void,
): Map<string, Located> {
  const byVariable = new Map(known.map((leaf) => [variableName(leaf.path), leaf]))
  const values = new Map<string, Located>()
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || name === CONFIG_VARIABLE || text === undefined || text === '') continue
    const place: Place = { origin: 'environment', text: name }
    const leaf = byVariable.get(name)
    if (leaf) {
      const value = readText(leaf.schema, text, place, complain)
      if (value) values.set(leaf.path.join('.'), value)
    } else if (!isServiceLink(name, text))
      complain(place, `no setting has this name${didYouMean(name, byVariable.keys())}`)
  }
  return values
}

/** Kubernetes sets these in every container beside a service whose name starts with `tallycell`. */
function isServiceLink(name: string, text: string): boolean {
  return /_SERVICE_(HOST|PORT)(_|$)|_PORT_[0-9]+_(TCP|UDP|SCTP)(_|$)/.test(name) || /^(tcp|udp|sctp):\/\//.test(text)
}

function readText(
  schema: SchemaView,
  text: string,
  place: Place,
  complain: (place: Place, problem: string) => void,
): Located | undefined {
  const choices = schema.anyOf ?? [schema]
  if (choices.every(({ type }) => type === 'string')) return { kind: 'scalar', place, value: text }
  return parseYaml(text, () => place, complain)
}
