// What distributed mode costs: from response to queryable, added latency while Kafka is up, slow and away, and events a second from topic to sealed.
import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { percentile } from '../support/cpu.mjs';
import { sql } from '../support/instance.mjs';
import { throughput } from './throughput.mjs';

const CALLS = 60;
const PACE_MS = 100;
const POLL_MS = 25;
const BODY = Buffer.from(
  JSON.stringify({ model: 'claude-simulated-1', max_tokens: 64, messages: [{ role: 'user', content: 'What is a ledger?' }] }),
);
const round = (value) => Math.round(value * 10) / 10;

export async function figures({ cluster, check, say, events }) {
  const [alice, auditor] = [await cluster.token('alice', 'engineering'), await cluster.token('olga', 'auditors')];
  const instance = { console: cluster.console };
  const store = storeReader(cluster.engines.clickhouse);
  const [gateway] = cluster.gateways;
  const call = (connection = 'claude') => post(`${gateway}/c/${connection}/v1/messages`, alice);

  const up = await series(call);
  const strictUp = await series(() => call('strict'));
  const lag = await queryableLag(call, store);

  // The broker that leads the partition of this proxy's requests: the one whose silence is felt.
  const leader = await cluster.leaderOf('affiant.request.v1', cluster.partitionOf('proxy-1'));
  cluster.part(leader).pause();
  const slow = await series(call);
  cluster.part(leader).resume();

  const brokers = cluster.engines.kafka.brokers.map(({ id }) => cluster.part(`kafka-${id}`));
  await Promise.all(brokers.map((broker) => broker.kill()));
  const down = await series(call);
  const refused = await call('strict').catch((error) => error);
  check(
    'while Kafka is away calls pass, and those are refused whose evidence must be replicated',
    down.failed === 0 && refused.status === 503 && refused.body.includes('replication_timeout'),
    String(refused.body).slice(0, 160),
  );
  await Promise.all(brokers.map((broker) => broker.start()));
  const back = performance.now();
  const left = await cluster.settled(120_000);
  const recoveredMs = Math.round(performance.now() - back);
  check(
    'after Kafka came back everything is queryable, sealed and acknowledged',
    left === null,
    left === null ? `${recoveredMs} ms` : JSON.stringify(left),
  );
  const [doubled] = await sql(instance, auditor, 'SELECT count() - uniqExact(source_id, seq) AS n FROM audit.events');
  check('nothing is doubled by the outage', Number(doubled.n) === 0);

  const measured = {
    response_to_queryable_ms: lag,
    call_ms: { kafka_up: up.ms, replicated: strictUp.ms, broker_frozen: slow.ms, kafka_away: down.ms },
    outage_recovered_ms: recoveredMs,
    ...(await throughput({ cluster, store, events })),
  };
  say(JSON.stringify(measured, null, 2));
  return measured;
}

/** Calls one after the other at a modest pace; milliseconds per call. */
async function series(call) {
  const ms = [];
  const ended = [];
  let failed = 0;
  for (let at = 0; at < CALLS; at += 1) {
    const begun = performance.now();
    try {
      const exchange = await call();
      ended.push({ exchange, at: Date.now() });
      ms.push(performance.now() - begun);
    } catch {
      failed += 1;
    }
    await delay(PACE_MS);
  }
  return { ms: { p50: round(percentile(ms, 50)), p99: round(percentile(ms, 99)) }, ended, failed };
}

/** From the end of the answer to the client until the engine shows its response event, asked past the console: its reads would be events themselves. */
async function queryableLag(call, store) {
  const ms = [];
  const asked = [];
  for (let at = 0; at < CALLS; at += 1) {
    const exchange = await call();
    const ended = performance.now();
    const seen = async () => {
      for (;;) {
        const [row] = await store(`SELECT count() AS n FROM ledger.events WHERE exchange_id = '${exchange}' AND event_type = 'response'`);
        if (Number(row.n) > 0) return void ms.push(performance.now() - ended);
        if (performance.now() - ended > 60_000) throw new Error(`${exchange} is not queryable after 60 s`);
        await delay(POLL_MS);
      }
    };
    asked.push(seen());
    await delay(PACE_MS);
  }
  await Promise.all(asked);
  return { p50: round(percentile(ms, 50)), p99: round(percentile(ms, 99)) };
}

/** Rows of a query, as the evidence reader. */
function storeReader({ url, users: { evidence } }) {
  const login = { 'x-clickhouse-user': evidence.user, 'x-clickhouse-key': evidence.password };
  return async (query) => {
    const answer = await fetch(`${url}/?default_format=JSON`, { method: 'POST', headers: login, body: query });
    if (!answer.ok) throw new Error(`${answer.status}: ${(await answer.text()).slice(0, 500)}`);
    return (await answer.json()).data;
  };
}

function post(url, bearer) {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      { method: 'POST', headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json', 'content-length': BODY.length } },
      (answer) => {
        let body = '';
        answer.setEncoding('utf8').on('data', (chunk) => (body += chunk));
        answer.on('end', () => {
          if (answer.statusCode === 200) resolve(answer.headers['affiant-exchange-id']);
          else reject(Object.assign(new Error(`status ${answer.statusCode}`), { status: answer.statusCode, body }));
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(BODY);
  });
}
