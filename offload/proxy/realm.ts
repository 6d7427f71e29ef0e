// Which way a user name goes (RFC 7542): the realm after the last `@`, or the home realm before the first `!` where the other is ours.

export interface Route {
  /** As configured: lower case, `*.below` and `*` among them. */
  readonly realm: string
  /** Beginnings of Roaming Consortium identifiers, lower-case hex. */
  readonly consortia: readonly string[]
}

export interface Routed<Of extends Route> {
  readonly route: Of
  /** What the home server is to be told instead of the user name that came. */
  readonly userName: string | undefined
}

/** RFC 7542 §2.2: labels of letters, digits and hyphens, two at least; here one is enough. */
const REALM = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/

/** The realm of a user name, lower case; undefined where there is none or it is none. */
function realmOf(userName: string): string | undefined {
  const at = userName.lastIndexOf('@')
  if (at < 0) return undefined
  const realm = userName.slice(at + 1).toLowerCase()
  return realm.length <= 253 && REALM.test(realm) ? realm : undefined
}

/** A decorated user name `home!user@other` without its last hop: `user@home` (RFC 7542 §3.3.1, TS 23.003 §14.5). */
function undecorated(userName: string): string | undefined {
  const [bang, at] = [userName.indexOf('!'), userName.lastIndexOf('@')]
  if (bang <= 0 || at < bang) return undefined
  const home = userName.slice(0, bang)
  return REALM.test(home.toLowerCase()) ? `${userName.slice(bang + 1, at)}@${home}` : undefined
}

export interface RealmTable<Of extends Route> {
  /** `consortium`: lower-case hex of HS20-Roaming-Consortium, if there is one. Undefined: the user is ours. */
  routeOf(userName: string, consortium: string | undefined): Routed<Of> | undefined
}

export function createRealmTable<Of extends Route>(
  routes: readonly Of[],
  localRealms: readonly string[],
): RealmTable<Of> {
  const local = new Set(localRealms.map((realm) => realm.toLowerCase()))
  const exact = new Map(routes.map((route) => [route.realm.toLowerCase(), route]))

  /** The longest rule that the realm falls under, but for `*`. */
  const ruleFor = (realm: string): Of | undefined => {
    const own = exact.get(realm)
    if (own) return own
    for (let dot = realm.indexOf('.'); dot >= 0; dot = realm.indexOf('.', dot + 1)) {
      const below = exact.get(`*${realm.slice(dot)}`)
      if (below) return below
    }
    return undefined
  }

  const byConsortium = (consortium: string | undefined): Of | undefined =>
    consortium === undefined
      ? undefined
      : routes.find(({ consortia }) => consortia.some((prefix) => consortium.startsWith(prefix.toLowerCase())))

  const direct = (userName: string, consortium: string | undefined): Of | undefined => {
    const realm = realmOf(userName)
    if (realm === undefined || local.has(realm)) return undefined
    return ruleFor(realm) ?? byConsortium(consortium) ?? exact.get('*')
  }

  return {
    routeOf(userName, consortium) {
      const realm = realmOf(userName)
      const inner = realm !== undefined && local.has(realm) ? undecorated(userName) : undefined
      const route = direct(inner ?? userName, consortium)
      return route && { route, userName: inner }
    },
  }
}
