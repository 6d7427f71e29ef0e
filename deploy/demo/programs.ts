// Foreign programs that the demonstration works with where they are installed.
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/**
 * Absolute path of a program, or undefined. Servers lie in sbin beside bin, which the search path of most people leaves out.
 */
export function findProgram(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean)
  for (const folder of folders.flatMap((each) => [each, each.replace(/\/bin$/, '/sbin')])) {
    const path = join(folder, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {}
  }
  return undefined
}
