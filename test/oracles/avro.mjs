// fastavro decodes every event of a real instance by the bundled schemas and encodes it again to the same bytes.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { EventCodec } from '../../dist/libs/events/src/index.js';

const script = fileURLToPath(new URL('./avro_judge.py', import.meta.url));

export async function judge({ check, path, instance, figures }) {
  const codec = new EventCodec();
  const events = [...instance.events.map(({ raw }) => raw), deadLetter(codec, instance.events)];
  const schemas = Object.fromEntries(codec.schemas.map(({ id, schema }) => [id, schema]));
  const ask = (list) => {
    const input = JSON.stringify({ schemas, events: list.map((raw) => raw.toString('base64')) });
    const { status, stdout, stderr, error } = spawnSync(path, [script], { input, encoding: 'utf8', maxBuffer: 1 << 28, timeout: 300_000 });
    if (status !== 0) throw new Error(`the Avro judge ended with ${status}: ${error?.message ?? stderr.slice(-500)}`);
    return JSON.parse(stdout);
  };

  const verdicts = ask(events);
  figures.avro_events = events.length;
  const kinds = new Set(verdicts.map(({ name }) => name));
  check(
    'events of every schema are judged',
    codec.schemas.every(({ name }) => kinds.has(name)),
    [...kinds].join(', '),
  );
  check(
    `fastavro decodes ${events.length} of our events and encodes them to the same bytes`,
    verdicts.every(({ ok }) => ok),
    firstWrong(verdicts),
  );
  const differ = verdicts.filter(({ event_id: id, seq }, index) => {
    const { envelope } = codec.decode(events[index]).event;
    return envelope.event_id !== id || envelope.seq !== seq;
  });
  check('it reads the same event ids and sequence numbers as we do', differ.length === 0, `${differ.length} differ`);

  const bad = events.slice(0, 50).flatMap((raw) => [raw.subarray(0, raw.length - 1), Buffer.concat([raw, Buffer.of(0)])]);
  check(
    `it refuses events cut short or with a byte too many (${bad.length})`,
    ask(bad).every(({ ok }) => !ok),
  );
}

/** The only event a healthy instance does not write, with the envelope of another. */
function deadLetter(codec, events) {
  const { envelope } = codec.decode(events[0].raw).event;
  const payload = Buffer.of(0, 255, 1, 128);
  return codec.encode('dead_letter', {
    envelope,
    topic: 'affiant.request.v1',
    partition: 'p',
    offset: 7,
    code: 'event_invalid',
    reason: 'é',
    payload,
  });
}

function firstWrong(verdicts) {
  const wrong = verdicts.filter(({ ok }) => !ok);
  return wrong.length === 0 ? '' : `${wrong.length} wrong, first: ${wrong[0].why}`;
}
