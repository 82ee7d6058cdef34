// Packets over the running instance: made, verified, every printed number found again, one changed byte named.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { checkPacketNumbers, fromJsonCompact, packetJsonOf } from '../../dist/apps/evidence/src/index.js';
import { affiant } from '../support/instance.mjs';

/** @param {string} keep directory that gets a copy of the packets for the judges */
export async function packets({ check, instance, state, auditor, startedAt, keep, directory }) {
  const period = ['--from', new Date(startedAt - 60_000).toISOString(), '--to', new Date(Date.now() + 60_000).toISOString()];
  for (const framework of ['ffiec', 'nist-800-53']) {
    const begun = performance.now();
    const record = JSON.parse(affiant(state, ['packet', 'create', '--framework', framework, ...period, '--json']));
    check(
      `${framework}: the packet is made`,
      record.state === 'done',
      `${((performance.now() - begun) / 1000).toFixed(1)} s, ${record.bytes} bytes, ${JSON.stringify(record.verdicts)}`,
    );
    if (record.state !== 'done') continue;
    const file = record.path;
    mkdirSync(keep, { recursive: true });
    copyFileSync(file, join(keep, basename(file)));

    const report = JSON.parse(affiant(state, ['verify', file, '--key', join(state, 'keys/ledger.vkey'), '--json']));
    check(`${framework}: it verifies offline with the log's key`, report.ok === true, `${report.checks.length} checks`);

    const bytes = readFileSync(file);
    const changed = join(directory, `changed-${framework}.pdf`);
    bytes[Math.floor(bytes.length / 2)] ^= 1;
    writeFileSync(changed, bytes);
    const found = JSON.parse(affiant(state, ['verify', changed, '--key', join(state, 'keys/ledger.vkey'), '--json'], { expect: 1 }));
    check(
      `${framework}: one changed bit is found and named`,
      found.ok === false && found.problems.length > 0,
      JSON.stringify(found.problems[0]).slice(0, 200),
    );

    const runQuery = async (sql) => {
      const ask = () =>
        fetch(`${instance.console}/sql?default_format=JSONCompact`, {
          method: 'POST',
          headers: { authorization: `Bearer ${auditor}` },
          body: sql,
        });
      // The commands above block this process: a connection that was kept may have been closed meanwhile without its having heard of it.
      const response = await ask().catch(ask);
      const text = await response.text();
      if (!response.ok) throw new Error(`${response.status}: ${text.slice(0, 500)}\n${sql}`);
      return fromJsonCompact(JSON.parse(text));
    };
    const numbers = await checkPacketNumbers(await packetJsonOf(readFileSync(file)), runQuery);
    check(
      `${framework}: every printed number is reproduced by its printed query`,
      numbers.ok && numbers.queries > 15,
      `${numbers.queries} queries, ${JSON.stringify(numbers.differences.slice(0, 2))}`,
    );

    const again = JSON.parse(affiant(state, ['packet', 'show', record.id, '--json']));
    check(`${framework}: the catalogue names its digest`, again.sha256 === record.sha256 && again.sha256.length === 64);
  }
}
