// Kills and freezes real Kafka brokers under load: what the sender acknowledged must be there, and a consumer group must see all of it.
// Options: --kills N (5), --stops N (1), --seconds N (60), --rate N records a second in all (5,000), --seed N, --json
import '../support/prepare.mjs';
import { setTimeout as delay } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { checker } from '../support/checker.mjs';
import { kafkaInstalled, startKafka } from '../support/engines/kafka.mjs';

const { KafkaEventLog, KafkaSender, KafkaTopics, topicPlans } = await import('../../dist/libs/event-log/src/index.js');

const args = process.argv.slice(2);
const option = (name, fallback) => Number(args.includes(name) ? args[args.indexOf(name) + 1] : fallback);
const kills = option('--kills', 5);
const stops = option('--stops', 1);
const seconds = option('--seconds', 60);
const rate = option('--rate', 5_000);
let seed = option('--seed', Date.now() % 2 ** 31);
const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
const { say, check, finish } = checker();

const TOPIC = 'affiant.request.v1';
const LANES = 6;
const VALUE_BYTES = 1_024;
const RESTART_MS = 4_000;
const STOP_MS = 15_000;

if (!kafkaInstalled()) process.exit(0);
say(`seed ${seed}; starting three brokers`);
const cluster = await startKafka({ brokers: 3 });
const connection = { ...cluster.connection, clientId: 'crash' };
const topics = await KafkaTopics.open(connection);
await topics.apply(
  topicPlans({ partitions: LANES, replication_factor: 3, min_insync_replicas: 2, retention: 86_400_000 }).filter(
    ({ topic }) => topic === TOPIC,
  ),
);
await topics.close();

const startedAt = Date.now();
const over = new AbortController();
/** No lane sends any more: what is acknowledged is final. */
const settled = new AbortController();
/** Longest time between two moments of progress, in ms. */
const gapMeter = () => {
  let last = Date.now();
  let longest = 0;
  return {
    mark: () => {
      longest = Math.max(longest, Date.now() - last);
      last = Date.now();
    },
    get longest() {
      return Math.max(longest, over.signal.aborted ? 0 : Date.now() - last);
    },
  };
};

// Lanes: each sends its next numbers, again and again until they are acknowledged, as a shipper does.
const sender = new KafkaSender({ connection });
const acknowledged = Array.from({ length: LANES }, () => 0);
const gaps = acknowledged.map(() => gapMeter());
const sendGap = gapMeter();
let rejected = 0;
const perSend = Math.min(500, Math.max(1, Math.round(rate / LANES / 10)));
const valueOf = (lane, number) => Buffer.from(`${lane} ${number} `.padEnd(VALUE_BYTES, 'x'));
const lane = async (index) => {
  for (let turn = 0; !over.signal.aborted; turn += 1) {
    const records = Array.from({ length: perSend }, (_, i) => ({
      key: `source-${index}`,
      value: valueOf(index, acknowledged[index] + i),
      timestamp: startedAt,
    }));
    for (;;) {
      try {
        await sender.send(TOPIC, index, records);
        break;
      } catch (error) {
        if (error.code !== 'event_log_failed') throw error;
        rejected += 1;
        await delay(50);
      }
    }
    acknowledged[index] += perSend;
    gaps[index].mark();
    sendGap.mark();
    const due = startedAt + ((turn + 1) * perSend * LANES * 1_000) / rate;
    if (due > Date.now()) await delay(due - Date.now());
  }
};

/** Reads everything as a group; resolves what was seen once `until()` holds. */
const consume = async (group, until) => {
  const log = new KafkaEventLog({
    connection,
    topics: [TOPIC],
    patienceMs: 300_000,
    ...(args.includes('--verbose')
      ? { report: (message) => say(`${group} ${Math.round((Date.now() - startedAt) / 100) / 10} ${message}`) }
      : {}),
  });
  const seen = Array.from({ length: LANES }, () => ({ counts: [], next: 0, records: 0, strange: 0 }));
  const gap = gapMeter();
  const options = { group, topics: [TOPIC], maxBatchRecords: 5_000, maxBatchBytes: 8 << 20 };
  const subscription = await log.subscribe(options, async (batch) => {
    for (const { value, partition } of batch.records) {
      const [source, text] = value.toString('latin1').split(' ', 2);
      const number = Number(text);
      const of = seen[Number(source)];
      of.records += 1;
      // The first copy of each number must come in order; later copies are what was sent again.
      if (partition !== `${TOPIC}/${source}` || number > of.next) of.strange += 1;
      if (number === of.next) of.next += 1;
      of.counts[number] = (of.counts[number] ?? 0) + 1;
    }
    await log.commit(group, batch.partition, batch.lastOffset + 1);
    gap.mark();
  });
  const failure = subscription.failed.catch((error) => ({ error }));
  while (!until(seen)) {
    const failed = await Promise.race([delay(100), failure]);
    if (failed !== undefined) throw failed.error;
  }
  const longest = gap.longest;
  await subscription.stop();
  const lag = [...(await log.lag(group)).values()].reduce((sum, each) => sum + each, 0);
  await log.close();
  return { seen, longest, lag };
};

const everything = (seen) => settled.signal.aborted && seen.every(({ next }, index) => next >= acknowledged[index]);
const lanes = Promise.all(acknowledged.map((_, index) => lane(index)));
const live = consume('live', everything);
live.catch(() => undefined);

const admin = new Kafka({ ...connection, logLevel: logLevel.NOTHING }).admin();
await admin.connect();
const leaderOf = async (partition) => {
  for (;;) {
    try {
      const { topics: found } = await admin.fetchTopicMetadata({ topics: [TOPIC] });
      const leader = found[0].partitions.find(({ partitionId }) => partitionId === partition)?.leader;
      const broker = cluster.brokers.find(({ id }) => id === leader);
      if (broker !== undefined) return broker;
    } catch {
      // Elections.
    }
    await delay(200);
  }
};

const faults = [...Array.from({ length: kills }, () => 'kill'), ...Array.from({ length: stops }, () => 'stop')];
const pause = Math.max(0, (seconds * 1_000 - kills * RESTART_MS - stops * STOP_MS) / (faults.length + 1));
for (const fault of faults) {
  await delay(pause * (0.5 + random()));
  const broker = await leaderOf(Math.floor(random() * LANES));
  const before = acknowledged.reduce((sum, each) => sum + each, 0);
  if (fault === 'kill') {
    await broker.kill();
    await delay(RESTART_MS);
    await broker.start();
  } else {
    broker.pause();
    await delay(STOP_MS);
    broker.resume();
  }
  say(`${fault} of broker ${broker.id}: ${acknowledged.reduce((sum, each) => sum + each, 0) - before} acknowledged meanwhile`);
}
const left = startedAt + seconds * 1_000 - Date.now();
if (left > 0) await delay(left);
over.abort();
await lanes;
settled.abort();
const loadSeconds = (Date.now() - startedAt) / 1_000;
await sender.close();
await admin.disconnect();
say('load is over; reading everything');

const TIMEOUT_MS = 180_000;
const inTime = (work, what) =>
  Promise.race([work, delay(TIMEOUT_MS, undefined, { ref: false }).then(() => ({ timeout: `${what} did not see everything in time` }))]);
const total = acknowledged.reduce((sum, each) => sum + each, 0);
const followed = await inTime(live, 'the live group').catch((error) => ({ timeout: String(error) }));
const fresh = await inTime(consume('fresh', everything), 'the fresh group').catch((error) => ({ timeout: String(error) }));
const missingOf = ({ seen }) =>
  acknowledged.reduce((sum, most, index) => sum + most - seen[index].counts.slice(0, most).filter(Boolean).length, 0);
const sum = (result, name) => result.seen.reduce((all, each) => all + each[name], 0);

check('records were acknowledged while brokers died', total > 0);
check('a fresh group reads the log to its end', fresh.timeout === undefined, fresh.timeout);
check('the group that ran all the time has seen everything', followed.timeout === undefined, followed.timeout);
const figures = {
  acknowledged: total,
  kills,
  stops,
  seconds: Math.round(loadSeconds),
  records_per_s: Math.round(total / loadSeconds),
  sends_rejected: rejected,
};
if (fresh.timeout === undefined) {
  figures.missing = missingOf(fresh);
  figures.doubled = sum(fresh, 'records') - total;
  check('no acknowledged record is missing', figures.missing === 0, `${figures.missing} of ${total}`);
  check('every first copy is in its partition and in order', sum(fresh, 'strange') === 0, `${sum(fresh, 'strange')} are not`);
}
if (followed.timeout === undefined) {
  check('the live group missed none', missingOf(followed) === 0, `${missingOf(followed)} missed`);
  check('the live group committed to the end', followed.lag === 0, `lag ${followed.lag}`);
  figures.longest_consume_stall_s = Number((followed.longest / 1_000).toFixed(1));
}
figures.longest_gap_s = Number((sendGap.longest / 1_000).toFixed(1));
figures.longest_gap_of_a_partition_s = Number((Math.max(...gaps.map((gap) => gap.longest)) / 1_000).toFixed(1));
say(JSON.stringify(figures));
await cluster.stop();
finish(figures);
