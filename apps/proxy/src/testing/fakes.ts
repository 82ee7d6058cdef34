import { createHash, randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { AffiantError } from '#errors';
import type { Approval, ApprovalBook, ApprovalState, ApprovalVote, NewApproval } from '#catalogue';
import type { EventDraft, EventRecorder, Principal, Receipt } from '#events';
import type { Credential, Identity } from '#identity';
import type { PolicySet, SelectedPolicy, Verdict } from '#policy';
import type { PolicySource } from '../ports.js';
import { ALLOW, rule } from './fake-protocol.js';

export function principal(subject: string, groups: readonly string[] = ['engineering']): Principal {
  return {
    issuer: 'https://issuer.test',
    subject,
    kind: 'user',
    groups,
    actor: null,
    token_digest: createHash('sha256').update(subject).digest('hex'),
    token_expires_at: null,
    authenticated_by: null,
  };
}

/** Tokens are `subject` or `subject:group`; both headers must agree. */
export class FakeIdentity implements Identity {
  expiresAtMs = Date.now() + 3_600_000;

  async identify(headers: IncomingHttpHeaders): Promise<Credential> {
    const bearer = headers.authorization?.replace(/^Bearer /, '');
    const key = headers['x-api-key'] as string | undefined;
    if (bearer !== undefined && key !== undefined && bearer !== key) throw new AffiantError('token_conflict', 'two credentials');
    const token = bearer ?? key;
    if (token === undefined) throw new AffiantError('token_missing', 'no credential');
    return this.verify(token);
  }

  async verify(token: string): Promise<Credential> {
    if (token === 'bad') throw new AffiantError('token_invalid', 'bad token');
    const [subject, group] = token.split(':') as [string, string | undefined];
    return { principal: principal(subject, [group ?? 'engineering']), expiresAtMs: this.expiresAtMs };
  }
}

/** Keeps what was recorded; `gate` delays and `failWith` refuses. */
export class FakeRecorder implements EventRecorder {
  readonly sourceId = 'gateway-test';
  readonly bootEpoch = 1;
  readonly drafts: EventDraft[] = [];
  readonly commits: (readonly EventDraft[])[] = [];
  /** Awaited before the drafts become durable. */
  gate: ((drafts: readonly EventDraft[]) => Promise<void>) | null = null;
  /** Awaited after they are durable here, like the replicas of the event log. */
  replicas: ((drafts: readonly EventDraft[]) => Promise<void>) | null = null;
  #seq = 0;
  readonly #listeners = new Set<() => void>();

  async record(drafts: readonly EventDraft[]): Promise<readonly Receipt[]> {
    if (this.gate !== null) await this.gate(drafts);
    this.drafts.push(...drafts);
    this.commits.push(drafts);
    for (const listener of this.#listeners) listener();
    if (this.replicas !== null) await this.replicas(drafts);
    return drafts.map(() => {
      this.#seq += 1;
      return { event_id: String(this.#seq), source_id: this.sourceId, seq: this.#seq, payload_hash: randomBytes(32) };
    });
  }

  of<T extends EventDraft['type']>(type: T): Extract<EventDraft, { type: T }>[] {
    return this.drafts.filter((draft): draft is Extract<EventDraft, { type: T }> => draft.type === type);
  }

  decisions(kind: string): Extract<EventDraft, { type: 'decision' }>[] {
    return this.of('decision').filter(({ event }) => event.kind === kind);
  }

  controls(kind: string): Extract<EventDraft, { type: 'control' }>[] {
    return this.of('control').filter(({ event }) => event.kind === kind);
  }

  /** Resolves when the condition holds, looked at after each commit. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        const listener = (): void => {
          this.#listeners.delete(listener);
          resolve();
        };
        this.#listeners.add(listener);
      });
    }
  }
}

/** Texts with HOLD, BLOCK are held, blocked. */
export class FakePolicies implements PolicySource {
  #set = policySet('1', (text) => {
    if (text.includes('BLOCK')) return { action: 'block', rules: [rule('block')] };
    return text.includes('HOLD') ? { action: 'hold', rules: [rule('hold')] } : ALLOW;
  });
  readonly #listeners = new Set<(set: PolicySet) => void>();

  current(): PolicySet {
    return this.#set;
  }

  onChange(listener: (set: PolicySet) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  publish(version: string, judge: (text: string) => Verdict): void {
    this.#set = policySet(version, judge);
    for (const listener of this.#listeners) listener(this.#set);
  }
}

export function policySet(version: string, judge: (text: string) => Verdict): PolicySet {
  const selected: SelectedPolicy = {
    requestDetector: null,
    responseDetector: null,
    toolInputDetector: null,
    actionFor: () => ({ action: 'allow', policy: 'none' }),
    restores: false,
    restoredBy: () => null,
    evaluateRequest: () => ALLOW,
    readsRequestText: true,
    evaluateRequestText: judge,
    evaluateToolInput: (_tool, input) => judge(input),
    readsToolInput: true,
    readsResponseText: false,
    evaluateResponseText: judge,
    keepsOriginals: false,
    keepsOriginal: () => false,
  };
  const text = `policies ${version}`;
  return { version, digest: createHash('sha256').update(text).digest('hex'), text, keepsOriginals: false, select: () => selected };
}

export class FakeBook implements ApprovalBook {
  readonly rows = new Map<string, Approval>();
  readonly #watchers = new Map<string, Set<(approval: Approval) => void>>();
  readonly #listeners = new Set<() => void>();
  releases = 0;

  async open(approval: NewApproval): Promise<Approval> {
    const row: Approval = { ...approval, state: 'pending', votes: [], decided_at: null, orphaned: false };
    this.rows.set(approval.id, row);
    this.#tell(row);
    return row;
  }

  async get(id: string): Promise<Approval | null> {
    return this.rows.get(id) ?? null;
  }

  async list(filter: { readonly state?: ApprovalState; readonly limit?: number } = {}): Promise<Approval[]> {
    return [...this.rows.values()]
      .filter(({ state }) => filter.state === undefined || state === filter.state)
      .slice(0, filter.limit ?? 100);
  }

  async addVote(id: string, vote: ApprovalVote): Promise<Approval> {
    return this.#change(id, ['pending'], (row) => ({
      votes: [...row.votes, vote],
      state: vote.verdict === 'deny' ? 'denied' : 'granted',
      decided_at: vote.at,
    }));
  }

  async expire(id: string): Promise<Approval> {
    return this.#change(id, ['pending', 'granted'], () => ({ state: 'expired', decided_at: Date.now() }));
  }

  async release(id: string): Promise<boolean> {
    if (this.rows.get(id)?.state !== 'granted') return false;
    this.releases += 1;
    this.#change(id, ['granted'], () => ({ state: 'released' }));
    return true;
  }

  async setOrphaned(id: string, orphaned: boolean): Promise<void> {
    const row = this.rows.get(id);
    if (row !== undefined) this.#tell({ ...row, orphaned });
  }

  watch(id: string, listener: (approval: Approval) => void): () => void {
    const listeners = this.#watchers.get(id) ?? new Set();
    this.#watchers.set(id, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  vote(id: string, verdict: 'approve' | 'deny', reason = 'because'): Promise<Approval> {
    return this.addVote(id, { approver: principal('approver', ['owners']), verdict, reason, at: Date.now() });
  }

  /** The first row that fits, waiting for it to appear. */
  async row(fits: (approval: Approval) => boolean = () => true): Promise<Approval> {
    for (;;) {
      const found = [...this.rows.values()].find(fits);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        const listener = (): void => {
          this.#listeners.delete(listener);
          resolve();
        };
        this.#listeners.add(listener);
      });
    }
  }

  #change(id: string, from: readonly ApprovalState[], change: (row: Approval) => Partial<Approval>): Approval {
    const row = this.rows.get(id);
    if (row === undefined) throw new AffiantError('not_found', id);
    if (!from.includes(row.state)) throw new AffiantError('conflict', `already ${row.state}`);
    const next = { ...row, ...change(row) };
    this.#tell(next);
    return next;
  }

  #tell(row: Approval): void {
    this.rows.set(row.id, row);
    for (const listener of this.#watchers.get(row.id) ?? []) listener(row);
    for (const listener of this.#listeners) listener();
  }
}
