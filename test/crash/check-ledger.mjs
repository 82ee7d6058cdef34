// What must hold of a ledger after kills, whatever was killed: nothing lost, nothing doubled, the tree is the signed one.
import { sql } from '../support/instance.mjs';
import { checkTree } from './tree.mjs';

/**
 * @param {{instance: {console: string}, auditor: string, state: string, check: Function, whole: {exchange: string}[], forwarded: Set<string>}} what
 *   `whole`: answers that clients got to the end; `forwarded`: marks that the upstream heard; `state` holds keys/ledger.vkey.
 * @returns figures
 */
export async function checkLedger({ instance, auditor, state, check, whole, forwarded }) {
  const rows = (query) => sql(instance, auditor, query);
  const responses = await rows(`SELECT exchange_id, count() AS n FROM audit.events WHERE event_type = 'response' GROUP BY exchange_id`);
  const perExchange = new Map(responses.map(({ exchange_id, n }) => [exchange_id, Number(n)]));
  const exchanges = new Map(
    (await rows('SELECT exchange_id, outcome FROM audit.exchanges')).map(({ exchange_id, outcome }) => [exchange_id, outcome]),
  );
  const lost = whole.filter(({ exchange }) => exchanges.get(exchange) !== 'completed' || perExchange.get(exchange) === undefined);
  check(
    'every response a client got whole is in the ledger as completed',
    lost.length === 0 && whole.length > 0,
    `${whole.length} whole, ${lost.length} lost ${JSON.stringify(lost.slice(0, 3))}`,
  );
  const doubled = [...perExchange].filter(([, n]) => n > 1);
  check('no exchange has two responses', doubled.length === 0, `${doubled.length} of ${perExchange.size}`);

  const bodies = await rows(`SELECT body FROM audit.bodies WHERE direction = 'request'`);
  const recorded = new Set(bodies.map(({ body }) => /mark-\d+-\d+-\d+/.exec(body)?.[0]));
  const unrecorded = [...forwarded].filter((mark) => !recorded.has(mark));
  check(
    'every request the upstream heard has an event',
    unrecorded.length === 0 && forwarded.size > 0,
    `${forwarded.size} forwarded, ${unrecorded.length} without event`,
  );

  const open = [...exchanges.values()].filter((outcome) => outcome === '').length;
  const aborted = [...exchanges.values()].filter((outcome) => outcome === 'aborted').length;
  check('no exchange is left open', open === 0, `${exchanges.size} exchanges, ${aborted} aborted, ${open} open`);

  const [events] = await rows('SELECT count() AS n, uniqExact(event_id) AS ids, uniqExact(source_id, seq) AS places FROM audit.events');
  check('no event is doubled', events.n === events.ids && events.n === events.places, JSON.stringify(events));
  const gaps = await rows(
    'SELECT source_id, max(seq) - count() AS missing, min(seq) AS first FROM audit.events GROUP BY source_id HAVING missing != 0 OR first != 1',
  );
  check('the seqs of every source are dense', gaps.length === 0, JSON.stringify(gaps));

  const tree = await checkTree(instance, auditor, state);
  check('the tree recomputed from the raw events is the signed root', tree.ok, `${tree.leaves} leaves, ${tree.detail}`);
  return { aborted, events: Number(events.n), leaves: tree.leaves };
}
