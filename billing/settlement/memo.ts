// What settlement writes on the chain in words. A memo names its epoch or batch once and for all, whatever attempt carries it, so
// that the chain itself can be asked whether it has been done.
import { decimal } from '../../core/kernel/units.ts'

/** Fixes the log as it stood when an epoch was closed, and what the epoch pays. */
export interface AnchorMemo {
  /** Origin of the log, without spaces (C2SP tlog-checkpoint). */
  readonly origin: string
  readonly epoch: bigint
  /** Size and root of a signed checkpoint that covers the close entry. */
  readonly size: bigint
  readonly root: Uint8Array
  readonly tableHash: Uint8Array
  /** Microtokens. */
  readonly total: bigint
}

export interface PayoutMemo {
  readonly origin: string
  readonly epoch: bigint
  readonly payer: string
  /** Number of the batch in its epoch and payer, from 1. */
  readonly batch: bigint
  /** SHA-256 of what the batch pays. */
  readonly digest: Uint8Array
}

/** A deposit of the test token into a payer's treasury. */
export interface DepositMemo {
  readonly origin: string
  readonly payer: string
  /** Names the deposit, once. */
  readonly reference: string
}

const base64 = (octets: Uint8Array): string => Buffer.from(octets).toString('base64')

export const anchorMemo = ({ origin, epoch, size, root, tableHash, total }: AnchorMemo): string =>
  `tc1 a ${origin} ${epoch} ${size} ${base64(root)} ${base64(tableHash)} ${total}`

export const payoutMemo = ({ origin, epoch, payer, batch, digest }: PayoutMemo): string =>
  `tc1 p ${origin} ${epoch} ${payer} ${batch} ${base64(digest)}`

export const depositMemo = ({ origin, payer, reference }: DepositMemo): string =>
  `tc1 d ${origin} ${payer} ${reference}`

/** Undefined for anything but what `anchorMemo` writes. */
export function parseAnchorMemo(text: string): AnchorMemo | undefined {
  const [, , origin = '', epoch = '', size = '', root = '', tableHash = '', total = ''] = text.split(' ')
  return parsed(text, anchorMemo, () => ({
    origin,
    epoch: decimal(epoch, 'epoch'),
    size: decimal(size, 'size'),
    root: hashOf(root),
    tableHash: hashOf(tableHash),
    total: decimal(total, 'total'),
  }))
}

/** Undefined for anything but what `payoutMemo` writes. */
export function parsePayoutMemo(text: string): PayoutMemo | undefined {
  const [, , origin = '', epoch = '', payer = '', batch = '', digest = ''] = text.split(' ')
  return parsed(text, payoutMemo, () => ({
    origin,
    epoch: decimal(epoch, 'epoch'),
    payer,
    batch: decimal(batch, 'batch'),
    digest: hashOf(digest),
  }))
}

/** SHA-256 in base64. */
function hashOf(text: string): Uint8Array {
  const octets = Buffer.from(text, 'base64')
  if (octets.length !== 32) throw new RangeError(`a hash of ${octets.length} octets`)
  return octets
}

/** Whatever does not come out again as it went in was not written by us. */
function parsed<Memo>(text: string, write: (memo: Memo) => string, read: () => Memo): Memo | undefined {
  try {
    const memo = read()
    return write(memo) === text ? memo : undefined
  } catch {
    return undefined
  }
}
