import type { RowScope } from './port.js';

/** The rows of ledger.events that fit all that the scope names; with nothing named, every row. */
export function scopeConditions({ from_us: from, to_us: to, session, principal, connection }: RowScope): {
  readonly sql: string;
  readonly params: Readonly<Record<string, unknown>>;
} {
  const conditions = [
    from === null ? null : 'occurred_at >= fromUnixTimestamp64Micro({from:Int64})',
    to === null ? null : 'occurred_at < fromUnixTimestamp64Micro({to:Int64})',
    session === null ? null : 'session_id = {session:String}',
    principal === null ? null : 'principal_subject = {principal:String}',
    connection === null ? null : 'connection = {connection:String}',
  ].filter((one) => one !== null);
  const given = Object.fromEntries(Object.entries({ from, to, session, principal, connection }).filter(([, value]) => value !== null));
  return { sql: conditions.length === 0 ? 'true' : conditions.join(' AND '), params: given };
}
