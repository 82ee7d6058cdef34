import { EntitySchema } from 'typeorm';
import type { Principal } from '#events';
import type { ApprovalState, ApprovalVote, PacketRecord } from './port.js';

const ms = {
  // PostgreSQL bigint arrives as text; times in milliseconds fit a double.
  to: (value: number | null) => value,
  from: (value: string | null) => (value === null ? null : Number(value)),
};

export interface ApprovalRow {
  id: string;
  exchange_id: string;
  session_id: string | null;
  connection: string;
  requester: Principal;
  phase: 'request' | 'response';
  policy: string;
  policy_digest: string;
  reason: string;
  summary: string;
  subject_digest: string;
  approver_group: string;
  quorum: number;
  state: ApprovalState;
  votes: ApprovalVote[];
  created_at: number;
  expires_at: number;
  decided_at: number | null;
  orphaned: boolean;
  /** Compare-and-swap counter. */
  version: number;
}

export const ApprovalEntity = new EntitySchema<ApprovalRow>({
  name: 'approval',
  tableName: 'approval',
  columns: {
    id: { type: 'text', primary: true },
    exchange_id: { type: 'text' },
    session_id: { type: 'text', nullable: true },
    connection: { type: 'text' },
    requester: { type: 'jsonb' },
    phase: { type: 'text' },
    policy: { type: 'text' },
    policy_digest: { type: 'text' },
    reason: { type: 'text' },
    summary: { type: 'text' },
    subject_digest: { type: 'text' },
    approver_group: { type: 'text' },
    quorum: { type: 'int' },
    state: { type: 'text' },
    votes: { type: 'jsonb' },
    created_at: { type: 'bigint', transformer: ms },
    expires_at: { type: 'bigint', transformer: ms },
    decided_at: { type: 'bigint', nullable: true, transformer: ms },
    orphaned: { type: 'boolean' },
    version: { type: 'int' },
  },
});

export type PacketRow = { -readonly [K in keyof PacketRecord]: PacketRecord[K] } & {
  /** Payload of its job. Read only where a lost job is put in again; no part of the record that people see. */
  job?: object | null;
  requeues?: number;
};

export const PacketEntity = new EntitySchema<PacketRow>({
  name: 'packet',
  tableName: 'packet',
  columns: {
    id: { type: 'text', primary: true },
    framework: { type: 'text' },
    from: { type: 'text', name: 'period_from' },
    to: { type: 'text', name: 'period_to' },
    tree_size: { type: 'bigint', nullable: true, transformer: ms },
    state: { type: 'text' },
    progress: { type: 'float8' },
    step: { type: 'text' },
    requested_by: { type: 'text' },
    created_at: { type: 'bigint', transformer: ms },
    finished_at: { type: 'bigint', nullable: true, transformer: ms },
    sha256: { type: 'text', nullable: true },
    path: { type: 'text', nullable: true },
    bytes: { type: 'bigint', nullable: true, transformer: ms },
    verdicts: { type: 'jsonb', nullable: true },
    error: { type: 'text', nullable: true },
    job: { type: 'jsonb', nullable: true, select: false },
    requeues: { type: 'int', default: 0, select: false },
  },
});
