// A reader for the XML that we write, independent of the writer: elements, text, the five entities, and nothing else passes.

export interface Read {
  readonly name: string
  readonly children: readonly Read[]
  readonly text: string
}

export function readXml(source: string): Read {
  const body = source.replace(/^<\?xml[^>]*\?>\s*/, '').replace(/^<!DOCTYPE[^>]*>\s*/, '')
  const stack: { name: string; children: Read[]; text: string }[] = [{ name: '', children: [], text: '' }]
  const top = () => stack[stack.length - 1] ?? { name: '', children: [], text: '' }
  for (const [whole, close, open, empty, text] of body.matchAll(
    /<\/([A-Za-z]+)>|<([A-Za-z]+)(?: [a-z]+="[^"<]*")*(\/?)>|([^<]+)/g,
  )) {
    if (text !== undefined) top().text += unescapeXml(text)
    else if (close !== undefined) {
      const done = stack.pop()
      if (done?.name !== close) throw new Error(`</${close}> ends <${done?.name}>`)
      top().children.push(done)
    } else if (open !== undefined) {
      const started = { name: open, children: [], text: '' }
      if (empty === '/') top().children.push(started)
      else stack.push(started)
    } else throw new Error(`not read: ${whole}`)
  }
  const [root] = top().children
  if (stack.length !== 1 || root === undefined) throw new Error('an element is not closed')
  return root
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

const unescapeXml = (text: string): string =>
  text.replace(/&([^;]*);?/g, (whole, name: string) => {
    const char = ENTITIES[name]
    if (char === undefined || !whole.endsWith(';')) throw new Error(`not an entity: ${whole}`)
    return char
  })

/** A property list as plain values; data as octets. */
export function readPlist(source: string): unknown {
  const [value] = readXml(source).children
  if (value === undefined) throw new Error('an empty property list')
  return plistValue(value)
}

function plistValue({ name, children, text }: Read): unknown {
  if (name === 'dict')
    return Object.fromEntries(
      children.flatMap((child, index) => {
        const next = children[index + 1]
        return child.name === 'key' && next ? [[child.text, plistValue(next)]] : []
      }),
    )
  if (name === 'array') return children.map(plistValue)
  if (name === 'integer') return Number(text)
  if (name === 'true' || name === 'false') return name === 'true'
  return name === 'data' ? Buffer.from(text, 'base64') : text
}

/** Leaves of a management object tree by their path: `i001/HomeSP/FQDN`. */
export function readTree(root: Read): Map<string, string> {
  const leaves = new Map<string, string>()
  const walk = (node: Read, path: string): void => {
    const named = (name: string) => node.children.find((child) => child.name === name)?.text
    const here = `${path}/${named('NodeName') ?? ''}`
    const value = named('Value')
    if (value !== undefined) leaves.set(here.replace('//PerProviderSubscription/', ''), value)
    for (const child of node.children) if (child.name === 'Node') walk(child, here)
  }
  walk(root, '')
  return leaves
}
