// veraPDF, qpdf and poppler judge packets that carry what others say of the log: the stamped packet of the running instance, and one that is cosigned.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { samplePacket } from '../../dist/apps/evidence/src/testing/sample-packet.js';
import { attachedFiles, readPdf } from '../../dist/apps/evidence/src/verify/read-pdf.js';
import { logSigner } from '../../dist/libs/verify/src/testing/make-log.js';
import { countRun } from '../support/count-run.mjs';
import { root } from '../support/instance.mjs';

export async function judge({ check, add, instance, directory }) {
  const at = join(directory, 'packets');
  mkdirSync(at);
  const [stamped, cosigned] = ['stamped.pdf', 'cosigned.pdf'].map((name) => join(at, name));
  copyFileSync(instance.packet.path, stamped);
  const names = attached(stamped).map(({ name }) => name);
  check(
    'the packet of the instance carries a stamp',
    instance.tsa === null || names.some((name) => name.startsWith('stamps/')),
    names.length,
  );
  writeFileSync(cosigned, (await samplePacket({}, logSigner(), [logSigner('witness.test/a'), logSigner('witness.test/b')])).sealed);
  const note = attached(cosigned).find(({ name }) => name === 'checkpoint.note');
  const signatures = (note?.data ?? '')
    .toString()
    .split('\n')
    .filter((line) => line.startsWith('— ')).length;
  check('the other packet carries the signature of the log and two cosignatures', signatures === 3, `${signatures} signatures`);
  add(await countRun([process.execPath, join(root, 'test/contract/judges/run.mjs'), stamped, cosigned]));
}

const attached = (file) => attachedFiles(readPdf(readFileSync(file)));
