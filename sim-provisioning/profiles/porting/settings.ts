// Which way porting orders go: `porting` in the configuration.
import { join } from 'node:path'
import { Type } from 'typebox'
import type { Config, Section } from '../../../core/config/section.ts'
import { createFileAdapter } from './file-adapter.ts'
import { byHand, type PortAdapter } from './porting.ts'

export const portingSection = {
  key: 'porting',
  schema: Type.Object({
    adapter: Type.Union([Type.Literal('manual'), Type.Literal('file')], {
      default: 'manual',
      description: 'How orders to port numbers reach other operators: people carry them out, or as files in a folder.',
    }),
    folder: Type.String({
      minLength: 1,
      default: 'porting',
      description:
        'With adapter file: orders are written to its folder out, answers taken from in by `tallycell port answers`. A relative path starts at dataDir.',
    }),
  }),
} satisfies Section

export const portingFolder = (config: Config): string => {
  const { folder } = config.get(portingSection)
  return folder.startsWith('/') ? folder : join(config.dataDir, folder)
}

export const configuredPortAdapter = (config: Config): PortAdapter =>
  config.get(portingSection).adapter === 'file' ? createFileAdapter(portingFolder(config)) : byHand
