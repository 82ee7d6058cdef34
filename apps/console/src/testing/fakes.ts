import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Approval, ApprovalBook, ApprovalVote, NewApproval, PacketRecord } from '#catalogue';
import { AffiantError } from '#errors';
import type { Clock, EventDraft, EventRecorder, Ids, Principal, Receipt } from '#events';
import type { Credential, Identity } from '#identity';
import type { Logger } from '#observability';
import { createApprovalDesk } from '../approvals/approval-desk.js';
import { ConsoleModule } from '../console.module.js';
import { createConsoleAdapter } from '../create-adapter.js';
import { DEFAULT_SQL_LIMITS, type ConsolePorts, type PacketDesk, type StatusReport } from '../ports.js';

export const NOW_MS = Date.UTC(2026, 10, 21, 9, 0, 0);

export class ManualClock implements Clock {
  ms = NOW_MS;
  nowMs = (): number => this.ms;
  nowUs = (): number => this.ms * 1000;
  monotonicUs = (): number => this.ms * 1000;
  offsetUs = (): number => 0;
}

/** Keeps drafts; can fail before or after it took them. */
export class MemoryRecorder implements EventRecorder {
  readonly sourceId = 'test';
  readonly bootEpoch = 1;
  readonly drafts: EventDraft[] = [];
  fail: 'never' | 'before' | 'after' = 'never';

  async record(drafts: readonly EventDraft[]): Promise<readonly Receipt[]> {
    await Promise.resolve();
    if (this.fail === 'before') throw new AffiantError('journal_full', 'full');
    this.drafts.push(...drafts);
    if (this.fail === 'after') throw new AffiantError('journal_failed', 'failed after it was applied');
    return [];
  }

  /** Control events as flat records, oldest first. */
  controls(kind?: string): Record<string, unknown>[] {
    return this.drafts.flatMap((draft) => {
      if (draft.type !== 'control' || (kind !== undefined && draft.event.kind !== kind)) return [];
      const { attributes, ...event } = draft.event;
      const named = Object.fromEntries(attributes.map(({ name, value }) => [name, value]));
      return [{ ...named, ...event, principal: draft.context.principal?.subject ?? null }];
    });
  }
}

export function person(subject: string, groups: readonly string[] = [], change: Partial<Principal> = {}): Principal {
  return {
    issuer: 'https://idp.example.com',
    subject,
    kind: 'user',
    groups,
    actor: null,
    token_digest: `digest-of-${subject}`,
    token_expires_at: null,
    authenticated_by: null,
    ...change,
  };
}

/** The token is the principal's subject. */
export class FakeIdentity implements Identity {
  readonly people = new Map<string, Principal>();

  constructor(...people: readonly Principal[]) {
    for (const principal of people) this.people.set(principal.subject, principal);
  }

  async identify(headers: Readonly<Record<string, string | string[] | undefined>>): Promise<Credential> {
    const header = String(headers['authorization'] ?? '');
    const [, basic] = /^Basic (.+)$/.exec(header) ?? [];
    const token = basic === undefined ? header.replace(/^Bearer /, '') : (Buffer.from(basic, 'base64').toString().split(':')[1] ?? '');
    const given = token || String(headers['x-api-key'] ?? '');
    if (given === '') throw new AffiantError('token_missing', 'no token');
    return this.verify(given);
  }

  async verify(token: string): Promise<Credential> {
    const principal = this.people.get(token);
    if (principal === undefined) throw new AffiantError('token_invalid', 'unknown');
    return { principal, expiresAtMs: NOW_MS + 3_600_000 };
  }
}

export class MemoryBook implements ApprovalBook {
  readonly rows = new Map<string, Approval>();

  async open(approval: NewApproval): Promise<Approval> {
    const row: Approval = { ...approval, state: 'pending', votes: [], decided_at: null, orphaned: false };
    this.rows.set(row.id, row);
    return row;
  }

  async get(id: string): Promise<Approval | null> {
    return this.rows.get(id) ?? null;
  }

  async list(filter: { readonly state?: string } = {}): Promise<Approval[]> {
    return [...this.rows.values()].filter(({ state }) => filter.state === undefined || state === filter.state);
  }

  async addVote(id: string, vote: ApprovalVote): Promise<Approval> {
    const row = this.rows.get(id);
    if (row === undefined || row.state !== 'pending') throw new AffiantError('conflict', 'no longer pending');
    const votes = [...row.votes, vote];
    const granted = votes.filter(({ verdict }) => verdict === 'approve').length >= row.quorum;
    const state = vote.verdict === 'deny' ? 'denied' : granted ? 'granted' : 'pending';
    const next: Approval = { ...row, votes, state, decided_at: state === 'pending' ? null : vote.at };
    this.rows.set(id, next);
    return next;
  }

  async expire(id: string): Promise<Approval> {
    return this.#set(id, { state: 'expired' });
  }

  async release(id: string): Promise<boolean> {
    this.#set(id, { state: 'released' });
    return true;
  }

  async setOrphaned(id: string, orphaned: boolean): Promise<void> {
    this.#set(id, { orphaned });
  }

  watch(): () => void {
    return () => undefined;
  }

  #set(id: string, change: Partial<Approval>): Approval {
    const next = { ...(this.rows.get(id) as Approval), ...change };
    this.rows.set(id, next);
    return next;
  }
}

export const pendingApproval: NewApproval = {
  id: 'approval-1',
  exchange_id: 'exchange-1',
  session_id: 'session-1',
  connection: 'claude',
  requester: person('alice', ['engineering']),
  phase: 'response',
  policy: 'destructive-sql',
  policy_digest: 'digest-of-policy',
  reason: 'the tool call drops a table',
  summary: 'DROP TABLE customers',
  subject_digest: 'ab'.repeat(32),
  approver_group: 'data-owners',
  quorum: 1,
  created_at: NOW_MS,
  expires_at: NOW_MS + 900_000,
};

export const packetRecord: PacketRecord = {
  id: 'packet-1',
  framework: 'ffiec',
  from: '2026-07-01T00:00:00.000Z',
  to: '2026-10-01T00:00:00.000Z',
  tree_size: 10,
  state: 'done',
  progress: 1,
  step: 'done',
  requested_by: 'auditor-1',
  created_at: NOW_MS,
  finished_at: NOW_MS,
  sha256: 'cd'.repeat(32),
  path: 'packet-1.pdf',
  bytes: 8,
  verdicts: { PASS: 1 },
  error: null,
};

export const fakePackets: PacketDesk = {
  create: async ({ framework, from, to, requestedBy }) => ({
    ...packetRecord,
    state: 'queued',
    framework,
    from,
    to,
    requested_by: requestedBy.subject,
  }),
  get: async (id) => (id === packetRecord.id ? packetRecord : null),
  list: async () => [packetRecord],
  open: async (id) => {
    if (id !== packetRecord.id) throw new AffiantError('not_found', 'there is no such packet');
    return { name: 'packet 1.pdf', bytes: Buffer.from('%PDF-1.7'), sha256: 'cd'.repeat(32) };
  },
};

const statusReport: StatusReport = {
  state: 'ok',
  version: '0',
  started_at: NOW_MS,
  gateway: { in_flight: 0, draining: false },
  journal: { pending_bytes: 0, high_water_bytes: 1, durable_seq: 0 },
  ledger: { lag: 0, sealed_size: 0, last_seal_at: null, halted: false },
  event_loop: { max_ms: 0, p99_ms: 0 },
  policy: { version: '1', digest: 'digest-of-policy' },
  approvals: { pending: 0 },
};

class CountingIds implements Ids {
  #next = 0;
  uuid(): string {
    this.#next += 1;
    return `01890000-0000-7000-8000-${String(this.#next).padStart(12, '0')}`;
  }
}

const silent = (): void => undefined;
export const silentLogger = { debug: silent, info: silent, warn: silent, error: silent, fatal: silent } as unknown as Logger;

export interface TestPorts extends ConsolePorts {
  readonly recorder: MemoryRecorder;
  readonly clock: ManualClock;
  readonly approvals: MemoryBook;
}

export function testPorts(change: Partial<ConsolePorts> = {}): TestPorts {
  const recorder = new MemoryRecorder();
  const clock = new ManualClock();
  const approvals = new MemoryBook();
  const policy = () => ({ version: '3', digest: 'digest-of-policy', text: '{}' });
  const redact = (text: string): string => text.replaceAll(/\b\d{3}-\d{2}-\d{4}\b/g, '[us_ssn]');
  return {
    identity: new FakeIdentity(
      person('auditor-1', ['auditors']),
      person('examiner-1', ['examiners']),
      person('owner-1', ['data-owners']),
      person('owner-2', ['data-owners']),
      person('alice', ['engineering', 'data-owners']),
      person('nobody'),
    ),
    ids: new CountingIds(),
    logger: silentLogger,
    roles: { auditors: ['auditors'], examiners: ['examiners'] },
    engine: () => {
      throw new AffiantError('engine_failed', 'no engine in this test');
    },
    limits: DEFAULT_SQL_LIMITS,
    redact,
    status: { status: async () => statusReport },
    desk: createApprovalDesk({ book: approvals, recorder, clock, policy, redact }),
    packets: fakePackets,
    tail: { read: async function* () {} },
    origin: 'test/ledger',
    policy,
    ...change,
    recorder,
    clock,
    approvals,
  };
}

/** The console on a free loopback port. */
export async function startConsole(ports: ConsolePorts): Promise<{ readonly app: NestFastifyApplication; readonly url: string }> {
  const app = await NestFactory.create<NestFastifyApplication>(ConsoleModule.register(ports), createConsoleAdapter(), { logger: false });
  await app.listen(0, '127.0.0.1');
  return { app, url: await app.getUrl() };
}
