// Promise.withResolvers (ECMAScript 2024 §27.2.4.9), which Node.js 20 lacks and @solana/kit and libp2p call. Import this first.

interface Resolvers<Value> {
  readonly promise: Promise<Value>
  readonly resolve: (value: Value | PromiseLike<Value>) => void
  readonly reject: (reason?: unknown) => void
}

function withResolvers<Value>(this: PromiseConstructor): Resolvers<Value> {
  let settle: Omit<Resolvers<Value>, 'promise'> | undefined
  const promise = new this<Value>((resolve, reject) => {
    settle = { resolve, reject }
  })
  if (!settle) throw new TypeError('the promise constructor did not call its executor')
  return { promise, ...settle }
}

if (!('withResolvers' in Promise)) {
  Object.defineProperty(Promise, 'withResolvers', { value: withResolvers, writable: true, configurable: true })
}
