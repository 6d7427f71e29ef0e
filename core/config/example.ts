// The example configuration: every setting with its description, default and variable, made from the schemas.
import { stringify } from 'yaml'
import { variableName } from './environment.ts'
import { wholeSchema } from './load.ts'
import { expected, type SchemaView } from './schema.ts'
import type { Section, Setting } from './section.ts'

const WIDTH = 110

const HEAD = `# Tallycell configuration.
# Each line that begins with '#' and a key shows a default: remove the '#' to change it.
# A variable of the environment, named beside each setting, wins over this file.
# Relative paths start at the folder of this file.
# Secrets are never written here, only the paths of the files that hold them.
`

/** Text of a complete tallycell.yaml in which nothing is set; it loads to the defaults. */
export function exampleConfig(sections: readonly Section[]): string {
  const { properties = {} } = wholeSchema(sections)
  return (
    HEAD +
    Object.entries(properties)
      .map(([key, schema]) => `\n${explain(key, schema, [key], true)}`)
      .join('')
  )
}

/** `absent`: a group above it is left out, so that this one has to be too. */
function explain(key: string, schema: SchemaView, path: readonly string[], required: boolean, absent = false): string {
  const indent = '  '.repeat(path.length - 1)
  const words = schema.description ? [schema.description] : []
  if (schema.properties) {
    const out = absent || !required
    const below = Object.entries(schema.properties).map(([name, item]) =>
      explain(name, item, [...path, name], schema.required?.includes(name) === true, out),
    )
    return `${comment(words, indent)}${indent}${out ? '#' : ''}${key}:\n${below.join('')}`
  }
  const needed = required && schema.default === undefined ? ' Required.' : ''
  words.push(`Expected: ${expected(schema)}.${needed}`, `Variable: ${variableName(path)}`)
  const item = schema.items ?? Object.values(schema.patternProperties ?? {})[0]
  for (const [name, below] of Object.entries(item?.properties ?? {}))
    words.push(`- ${name}: ${below.description ?? ''} Expected: ${expected(below)}.`)
  if (schema.default !== undefined && schema.examples) words.push(`For example: ${inline(schema.examples[0])}`)
  const shown = schema.default ?? schema.examples?.[0]
  const value = shown === undefined ? '' : ` ${inline(shown)}`
  return `${comment(words, indent)}${indent}#${key}:${value}\n`
}

function comment(paragraphs: readonly string[], indent: string): string {
  const lines: string[] = []
  for (const paragraph of paragraphs) {
    let line = ''
    for (const word of paragraph.split(/\s+/)) {
      if (line && indent.length + line.length + word.length > WIDTH) {
        lines.push(line)
        line = ''
      }
      line += line ? ` ${word}` : word
    }
    lines.push(line)
  }
  return lines.map((line) => `${indent}# ${line}\n`).join('')
}

/** A value as YAML on one line. */
export function inline(value: unknown): string {
  if (typeof value === 'string' && /\p{Cc}/u.test(value)) return JSON.stringify(value)
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: false }).trim()
}

/** What is in force as YAML that can be saved and read back, each value with where it comes from. */
export function settingsInForce(settings: readonly Setting[]): string {
  const lines: string[] = []
  let open: readonly string[] = []
  for (const { path, value, origin, place } of settings) {
    const keys = path.split('.')
    const shared = keys.findIndex((key, level) => key !== open[level])
    keys.slice(0, -1).forEach((key, level) => {
      if (level >= shared) lines.push(`${'  '.repeat(level)}${key}:`)
    })
    lines.push(
      `${'  '.repeat(keys.length - 1)}${keys.at(-1)}: ${inline(value)} # ${origin}${place && place !== origin ? ` ${place}` : ''}`,
    )
    open = keys.slice(0, -1)
  }
  return `${lines.join('\n')}\n`
}
