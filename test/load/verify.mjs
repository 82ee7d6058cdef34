// `node test/load/verify.mjs [--leaves N] [--proofs] [--json]`: how fast a log is verified, and how large proofs are.
// Not part of `npm test`. Leaves are synthetic; everything is checked by the product's own code (dist), one thread.
import '../support/prepare.mjs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkLog, DirectorySource, policyOfVkey } from '../../dist/libs/verify/src/index.js';
import { LeafMaker, makeLog, seeded } from '../../dist/libs/verify/src/testing/make-log.js';
import { proofSizes } from './verify-proofs.mjs';

const option = (name, otherwise) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
const json = process.argv.includes('--json');
const say = (line) => console.error(line);
const figures = {};

if (!process.argv.includes('--proofs')) {
  const leaves = option('--leaves', 1_000_000);
  const directory = mkdtempSync(join(tmpdir(), 'affiant-verify-'));
  try {
    say(`writing ${leaves} leaves of 4 sources`);
    const rounds = Array.from({ length: Math.ceil(leaves / 50_000) }, (_, index) => Math.min(50_000, leaves - index * 50_000));
    const log = await makeLog(directory, rounds, new LeafMaker(seeded(1), 4));
    const options = { policy: policyOfVkey(log.signer.vkey), since: log.notes.map((note, index) => ({ name: `round ${index}`, note })) };
    const runs = [];
    for (let run = 0; run < 5; run += 1) {
      const cpu = process.cpuUsage();
      const report = await checkLog(new DirectorySource(directory), options);
      const used = process.cpuUsage(cpu);
      if (!report.ok) throw new Error(report.statement);
      const cpuSeconds = (used.user + used.system) / 1e6;
      runs.push({ wall: report.leaves_per_second, cpu: Math.round(leaves / cpuSeconds) });
      say(
        `${leaves} leaves: ${report.seconds.toFixed(2)} s, ${report.leaves_per_second} leaves/s by the clock, ${runs.at(-1).cpu} per CPU second`,
      );
    }
    runs.sort((a, b) => a.cpu - b.cpu);
    const middle = runs[Math.floor(runs.length / 2)];
    figures.verify = { leaves, leaves_per_second: middle.wall, leaves_per_cpu_second: middle.cpu };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
figures.proofs = await proofSizes(process.argv.includes('--proofs') ? [1e6, 1e7, 1e8] : [1e6], say);
console.log(json ? JSON.stringify(figures) : JSON.stringify(figures, null, 2));
