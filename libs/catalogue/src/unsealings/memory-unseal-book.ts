import { AffiantError } from '#errors';
import type { UnsealBook, UnsealDecision, Unsealing } from './port.js';

/** The book in memory, for the tests of those who use it; the contract suite of the port runs against it. */
export class MemoryUnsealBook implements UnsealBook {
  readonly rows = new Map<string, Unsealing>();

  async request(unsealing: Unsealing): Promise<Unsealing> {
    if (!this.rows.has(unsealing.id)) this.rows.set(unsealing.id, unsealing);
    return this.rows.get(unsealing.id)!;
  }

  async decide(id: string, { state, by, reason, at, expires_at }: UnsealDecision): Promise<Unsealing> {
    return this.#from('requested', id, at, { state, decided_by: by, decided_at: at, decision_reason: reason, expires_at });
  }

  async open(id: string, at: number): Promise<Unsealing> {
    return this.#from('approved', id, at, { state: 'opened', opened_at: at });
  }

  async get(id: string): Promise<Unsealing | null> {
    return this.rows.get(id) ?? null;
  }

  async list(limit: number): Promise<Unsealing[]> {
    return [...this.rows.values()].toSorted((a, b) => b.requested_at - a.requested_at || (a.id < b.id ? 1 : -1)).slice(0, limit);
  }

  #from(state: Unsealing['state'], id: string, at: number, change: Partial<Unsealing>): Unsealing {
    const row = this.rows.get(id);
    if (row === undefined) throw new AffiantError('not_found', 'there is no such request');
    if (row.state !== state) throw new AffiantError('conflict', `the request is ${row.state} already`);
    if (row.expires_at <= at) throw new AffiantError('conflict', 'the request has expired');
    const next = { ...row, ...change };
    this.rows.set(id, next);
    return next;
  }
}
