/**
 * Functions that look outside the tables: at files, the network, models, dictionaries, secrets and the machine; or that only burn time.
 * Checked against `system.functions` of the pinned engine version (lower case; the engine's names are mostly case-sensitive, ours are not).
 * The engine's grants refuse most of them too; `file` it cannot refuse (research/engines.md §1).
 */
const NAMES = new Set(
  `file getclienthttpheader catboostevaluate evalmlmethod naivebayesclassifier naivebayesclassifierwithprob naivebayesclassifierwithallprobs
  dictionary dicthas dictisin joinget joingetornull hascolumnintable generateserialid transactionid transactionlatestsnapshot
  transactionoldestsnapshot zookeepersessionuptime sleep sleepeachrow logtrace showcertificate getmacro getserverport tcpport getserversetting
  filesystemavailable filesystemcapacity filesystemunreserved addresstoline addresstolinewithinlines addresstosymbol demangle fqdn fullhostname
  getoskernelversion serveruuid __getscalar __scalarsubqueryresult eval executable executablepool url urlcluster filecluster filesystem remote
  remotesecure cluster clusterallreplicas jdbc odbc mysql postgresql mongodb redis sqlite cosn gcs oss input loop merge mergetreeindex
  mergetreeprojection mergetreetextindex mergetreeanalyzeindexes mergetreeanalyzeindexesuuid viewifpermitted ytsaurus prometheusquery
  prometheusqueryrange arrowflight kafka nats rabbitmq`.split(/\s+/),
);

const PREFIXES = [
  'dictget',
  'ai',
  's3',
  'hdfs',
  'azure',
  'iceberg',
  'deltalake',
  'hudi',
  'paimon',
  'region',
  'timeseriesselector',
  'timeseriesdata',
];

/** Table functions that only make rows. */
const ROW_MAKERS = new Set(['numbers', 'numbers_mt', 'generateseries', 'generate_series', 'primes', 'values', 'view']);

export function isForbiddenFunction(name: string): boolean {
  const lower = name.toLowerCase();
  return NAMES.has(lower) || PREFIXES.some((prefix) => lower.startsWith(prefix));
}

/** In the place of a table: a maker of rows, or one of our views at a tree size (`audit.exchanges_at(tree_size = 5)`). */
export function isAllowedTableFunction(name: string): boolean {
  return ROW_MAKERS.has(name.toLowerCase()) || /^(audit\.)?[a-z][a-z_]*_at$/.test(name);
}
