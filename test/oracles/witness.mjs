// A witness by other people follows our log: it cosigns what is consistent, and refuses a rollback, a wrong proof, a stranger and a fork.
import { join } from 'node:path';
import { cosignerKey, parseNote, signCheckpoint } from '../../dist/libs/tlog/src/index.js';
import { startWitness } from '../support/engines/witness.mjs';
import { startJudge } from './judge-process.mjs';
import { newSigner, writeLog } from './logs.mjs';

export async function judge({ check, path, judges, logs, directory }) {
  const log = logs.at(-1);
  const { signer, vkey, tree, size } = log;
  const witness = await startWitness({ logs: [vkey], program: path });
  const formats = judges.judge === null ? null : startJudge(judges.judge);
  try {
    const noteOf = async (at, of = tree) => signCheckpoint({ origin: signer.name, size: at, root: await of.rootAt(at) }, [signer]);
    const add = async (old, note, proof) => {
      const body = [`old ${old}`, ...proof.map((hash) => hash.toString('base64')), '', note].join('\n');
      const answer = await fetch(`${witness.url}/add-checkpoint`, { method: 'POST', body });
      return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
    };
    const sizes = [1, 255, 256, 1_000, 65_537, size];
    let old = 0;
    const cosigned = [];
    for (const at of sizes) {
      const note = await noteOf(at);
      const answer = await add(old, note, await tree.consistencyProof(old, at));
      cosigned.push({ status: answer.status, note: note + answer.text });
      old = at;
    }
    check(
      `the witness cosigns our log as it grows to ${sizes.join(', ')}`,
      cosigned.every(({ status }) => status === 200),
      cosigned.map(({ status }) => status).join(),
    );
    if (formats !== null) {
      const verdicts = await Promise.all(cosigned.map(({ note }) => formats.ask({ op: 'cosignature', note, vkey, witness: witness.vkey })));
      check(
        'its cosignatures fit on our checkpoints',
        verdicts.every(({ ok }) => ok),
        verdicts.map(({ why }) => why).join(),
      );
      const alien = await formats.ask({
        op: 'cosignature',
        note: cosigned[0].note.replace(/.{6}\n$/, 'AAAAA=\n'),
        vkey,
        witness: witness.vkey,
      });
      check('an altered cosignature is refused', !alien.ok);
    }
    const times = cosigned.map(({ note }) => cosignerKey(witness.vkey).timestampIn(parseNote(note)));
    check(
      'our code reads its cosignatures',
      times.every((time) => time !== null && Math.abs(time - Date.now() / 1_000) < 3_600),
      times.join(),
    );
    const again = await add(size, await noteOf(size), []);
    check('it cosigns the same checkpoint again', again.status === 200, `status ${again.status}`);
    const stale = await add(256, await noteOf(size), await tree.consistencyProof(256, size));
    check(
      'a wrong old size is a conflict, and it says what it has',
      stale.status === 409 && stale.type === 'text/x.tlog.size' && stale.text === `${size}\n`,
      JSON.stringify(stale),
    );
    const back = await add(size, await noteOf(1_000), []);
    check('it refuses a rollback', back.status === 400, `status ${back.status}`);
    const stranger = newSigner('stranger.example/log');
    const unknown = await add(0, await signCheckpoint({ origin: stranger.name, size: 1, root: await tree.rootAt(1) }, [stranger]), []);
    check('it refuses a log it does not know', unknown.status === 404, `status ${unknown.status}`);
    const impostor = newSigner(signer.name);
    const forged = await add(size, await signCheckpoint({ origin: signer.name, size, root: await tree.root() }, [impostor]), []);
    check("it refuses a checkpoint that is not by the log's key", forged.status >= 400, `status ${forged.status}`);

    // The fork: the same key signs another history.
    const fork = await writeLog(join(directory, 'fork'), size + 30, { signer, flavour: ' forked' });
    const sameSize = await add(size, await noteOf(size, fork.tree), []);
    check('it refuses our fork at the same size', sameSize.status === 422 || sameSize.status === 409, `status ${sameSize.status}`);
    const grown = await add(size, fork.note, await fork.tree.consistencyProof(size));
    check('it refuses our fork at a larger size, with the proof that the fork has', grown.status === 422, `status ${grown.status}`);
    const still = await add(size, await noteOf(size), []);
    check('it still follows the honest log', still.status === 200, `status ${still.status}`);
  } finally {
    await formats?.close();
    await witness.stop();
  }
}
