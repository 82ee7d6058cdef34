import { createLogger } from '#observability';
import { openWitness } from './open-witness.js';

/** Child of the crash test: the witness of `witness run`, without the options of a service. */
const [directory = '', name = '', origin = '', vkey = ''] = process.argv.slice(2);
const config = { name, host: '127.0.0.1', port: 0, logs: [{ origin, vkey }] };
const witness = await openWitness({ config, directory, keys: null, logger: createLogger('test', { level: 'silent' }) });
process.once('SIGTERM', () => void witness.close());
process.stdout.write(`ready: ${witness.url}, key ${witness.vkey}\n`);
