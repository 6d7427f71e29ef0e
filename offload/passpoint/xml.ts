// XML as a tree of elements, written with everything escaped: names that people choose end up in these files.

export interface XmlElement {
  readonly name: string
  readonly attributes?: Readonly<Record<string, string>>
  readonly children?: readonly (XmlElement | string)[]
}

export const element = (name: string, ...children: readonly (XmlElement | string)[]): XmlElement => ({ name, children })

/** Elements below elements are indented; an element with text keeps that text as it is. */
export function formatXml({ name, attributes = {}, children = [] }: XmlElement, indent = ''): string {
  const head = [name, ...Object.entries(attributes).map(([key, value]) => `${key}="${escapeXml(value)}"`)].join(' ')
  if (children.length === 0) return `${indent}<${head}/>\n`
  if (children.some((child) => typeof child === 'string'))
    return `${indent}<${head}>${children.map((child) => (typeof child === 'string' ? escapeXml(child) : formatXml(child))).join('')}</${name}>\n`
  const inside = children.map((child) => formatXml(child as XmlElement, `${indent}  `)).join('')
  return `${indent}<${head}>\n${inside}${indent}</${name}>\n`
}

const ESCAPED: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

/** Text or a quoted attribute. Throws RangeError for what XML 1.0 §2.2 cannot hold; callers refuse such names before. */
function escapeXml(text: string): string {
  if (/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u.test(text))
    throw new RangeError('a character that XML cannot hold')
  return text.replace(/[&<>"']/g, (char) => ESCAPED[char] ?? char)
}
