// Where a thread's program lies, compiled or in source.

export interface ThreadEntry {
  readonly url: URL
  readonly execArgv: string[]
}

const SOURCE = import.meta.url.endsWith('.ts')
// Compiled, a thread needs nothing. Run from source it needs the TypeScript loader, which does not enter threads by itself.
const LOADER = SOURCE
  ? [
      `--import=data:text/javascript,${encodeURIComponent(
        `import { register } from '${import.meta.resolve('tsx/esm/api')}'; register()`,
      )}`,
    ]
  : []

/** `name`: of the module beside `base`, without its ending: `./io-thread`. */
export const threadEntry = (name: string, base: string): ThreadEntry => ({
  url: new URL(`${name}${SOURCE ? '.ts' : '.js'}`, base),
  execArgv: LOADER,
})
