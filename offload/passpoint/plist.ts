// Apple's property lists in their XML form (PropertyList-1.0.dtd): what a configuration profile is written in.
import { element, formatXml, type XmlElement } from './xml.ts'

export type PlistValue = string | number | boolean | Uint8Array | readonly PlistValue[] | PlistDictionary
export interface PlistDictionary {
  readonly [key: string]: PlistValue | undefined
}

const HEAD = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
`

/** Numbers are whole ones; keys whose value is undefined are left out. */
export const formatPlist = (value: PlistValue): string =>
  HEAD + formatXml({ name: 'plist', attributes: { version: '1.0' }, children: [toElement(value)] })

function toElement(value: PlistValue): XmlElement {
  if (typeof value === 'string') return element('string', value)
  if (typeof value === 'number') return element('integer', String(value))
  if (typeof value === 'boolean') return element(String(value))
  if (value instanceof Uint8Array) return element('data', Buffer.from(value).toString('base64'))
  if (isList(value)) return element('array', ...value.map(toElement))
  const pairs = Object.entries(value).flatMap(([key, item]) =>
    item === undefined ? [] : [element('key', key), toElement(item)],
  )
  return element('dict', ...pairs)
}

const isList = (value: readonly PlistValue[] | PlistDictionary): value is readonly PlistValue[] => Array.isArray(value)
