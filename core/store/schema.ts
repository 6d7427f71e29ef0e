// The tables as TypeScript sees them. Every integer column is a bigint, on both engines; times are milliseconds since 1970 UTC.
// The columns' meaning, units and standards stand in migrations/.
import type { Generated } from 'kysely'

export interface Schema {
  radio: {
    radio_id: string
    access: string
    nas_identifier: string | null
    called_station: string | null
    owner_wallet: string
    payout_wallet: string
    created_at: bigint
  }
  radio_event: {
    event_id: Generated<bigint>
    kind: string
    radio_id: string
    owner_wallet: string
    payout_wallet: string
    at: bigint
    reason: string | null
    expires_at: bigint | null
  }
  subscriber: {
    subscriber_seq: Generated<bigint>
    subscriber_id: string
    imsi: string
    payer_id: string
    plan_id: string
    created_at: bigint
  }
  usage_session: {
    session_no: Generated<bigint>
    session_key: string
    incarnation: bigint
    state: string
    started_at: bigint
    identity: string
    radio_id: string | null
    subscriber_id: string | null
    origin: string
  }
  usage_counter: {
    session_no: bigint
    sequence: bigint
    uplink: bigint
    downlink: bigint
    last_at: bigint
    seconds: bigint
    gigawords: bigint
    anomalies: bigint
  }
  usage_event: {
    event_id: Generated<bigint>
    origin: string
    session_id: string
    sequence: bigint
    subscriber_id: string | null
    radio_id: string | null
    access: string
    start_at: bigint
    end_at: bigint
    uplink: bigint
    downlink: bigint
    cause: string
    received_at: bigint
    flags: bigint
  }
  stage_cursor: { stage: string; position: bigint }
  ledger_account: {
    account_id: string
    normal_side: string
    debits: bigint
    credits: bigint
    remainder: bigint
  }
  ledger_transfer: {
    transfer_id: Generated<bigint>
    cause: string
    debit_account: string
    credit_account: string
    amount: bigint
    at: bigint
  }
  log_entry: { entry_index: bigint; type: bigint; entry: Uint8Array; leaf_hash: Uint8Array }
  log_state: { origin: string; size: bigint; frontier: Uint8Array; published_size: bigint }
  log_checkpoint: { size: bigint; root: Uint8Array; note: string; signed_at: bigint }
  receipt: {
    entry_index: bigint
    event_id: bigint
    epoch: bigint
    payer_id: string
    radio_id: string
    radio_seq: bigint
    counted: bigint
    verdict: string
    session_ref: Uint8Array
    sequence: bigint
  }
  policy_radio: {
    radio_id: string
    owner_wallet: string
    payout_wallet: string
    next_seq: bigint
    claim_seq: bigint
    banned_from: bigint | null
    banned_until: bigint | null
  }
  epoch: {
    epoch: bigint
    state: string
    opened_at: bigint
    closed_at: bigint | null
    first_index: bigint
    last_index: bigint | null
    table_hash: Uint8Array | null
    total: bigint
  }
  payout: {
    epoch: bigint
    payer_id: string
    radio_id: string
    payout_wallet: string
    counted: bigint
    carry_in: bigint
    amount: bigint
    carry_out: bigint
    state: string
    batch_id: string | null
  }
  settlement_transaction: {
    batch_id: string
    epoch: bigint
    kind: string
    payer_id: string | null
    state: string
    attempt: bigint
    chain: string
    since_slot: bigint
    memo: string
    digest: Uint8Array
    wire: Uint8Array | null
    signature: string | null
    last_valid_block_height: bigint | null
    slot: bigint | null
    updated_at: bigint
  }
  treasury: {
    payer_id: string
    mint: string
    multisig: string
    token_account: string
    signers: string
    threshold: bigint
    chain: string
    created_at: bigint
  }
}
