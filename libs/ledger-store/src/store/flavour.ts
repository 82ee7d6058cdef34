/** What the ledger's tables live in: the engine beside us, a server, or a cluster of one shard (name as in the server's remote_servers). */
export type Flavour = { readonly kind: 'embedded' } | { readonly kind: 'server' } | { readonly kind: 'cluster'; readonly cluster: string };

const SERVER_ONLY = '{{server}} ';
const NAMED = /^((?:CREATE (?:DATABASE|TABLE|VIEW) IF NOT EXISTS|DROP VIEW IF EXISTS|ALTER TABLE) [\w.]+)/;
const PLAIN_ENGINE = /\bENGINE = MergeTree\b/;
const PLAIN_WINDOW = /\bnon_replicated_deduplication_window = (\d+)/;

/** Thirty days: the engine's own hour is shorter than an outage of the ledger may be (research/ledger.md §2.2). */
export const DEDUPLICATION_SECONDS = 30 * 86_400;

/** What a statement of a migration is there: none for what only a server needs, ReplicatedMergeTree ON CLUSTER in a cluster. */
export function statementFor(flavour: Flavour, statement: string): string[] {
  const forServer = statement.startsWith(SERVER_ONLY);
  if (forServer && flavour.kind === 'embedded') return [];
  const text = forServer ? statement.slice(SERVER_ONLY.length) : statement;
  if (flavour.kind !== 'cluster') return [text];
  const everywhere = text
    .replace(NAMED, (named) => `${named} ON CLUSTER \`${flavour.cluster}\``)
    .replace(PLAIN_ENGINE, "ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')")
    .replace(
      PLAIN_WINDOW,
      (_, window: string) =>
        `replicated_deduplication_window = ${window}, replicated_deduplication_window_seconds = ${DEDUPLICATION_SECONDS}`,
    );
  return [everywhere];
}
