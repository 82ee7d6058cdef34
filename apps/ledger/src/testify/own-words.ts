import type { LedgerStore } from '#ledger-store';

/** A control event by which the ledger has testified before. */
export interface OwnWord {
  readonly kind: string;
  readonly subject: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Port: what the ledger has said of itself, as far as it is queryable. What was recorded a moment ago may be missing. */
export interface OwnWords {
  /** Of these kinds, in no order. @throws AffiantError engine_failed */
  told(kinds: readonly string[]): Promise<OwnWord[]>;
}

/** Reads them from ledger.events, by the typed columns. */
export class StoredWords implements OwnWords {
  constructor(private readonly store: Pick<LedgerStore, 'query'>) {}

  async told(kinds: readonly string[]): Promise<OwnWord[]> {
    const rows = await this.store.query<{ kind: string; subject: string; names: string[]; values: string[] }>(
      `SELECT toString(fields.kind) AS kind, fields.subject AS subject,
              arrayMap(one -> toString(one.name), fields.attributes) AS names, arrayMap(one -> one.value, fields.attributes) AS values
       FROM ledger.events WHERE event_type = 'control' AND fields.kind IN {kinds:Array(String)}`,
      { kinds: [...kinds] },
    );
    return rows.map(({ kind, subject, names, values }) => ({
      kind,
      subject,
      attributes: Object.fromEntries(names.map((name, index) => [name, values[index] ?? ''])),
    }));
  }
}
