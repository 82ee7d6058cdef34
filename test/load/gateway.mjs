// The gateway as it stands alone in the distributed size: identity, policy, masking both ways and the fsync'd, encrypted journal on;
// the ledger elsewhere. Prints {"port", "token", "journal"}. Its journal is deleted when it ends.
import 'reflect-metadata';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, engineFlagsForServing, engineFlagsForStart } from '../../dist/libs/observability/src/index.js';
import { benchConfig } from './bench-config.mjs';

// As the mains of the product do: the flags first, then what is large.
engineFlagsForStart();
const { NestFactory } = await import('@nestjs/core');
const { builtInProtocols, Gateway, ProxyModule } = await import('../../dist/apps/proxy/src/index.js');
const { parseConfig } = await import('../../dist/libs/config/src/index.js');
const { LocalWrapper, MemoryKeyBook } = await import('../../dist/libs/content-keys/src/index.js');
const { createPlaceholder } = await import('../../dist/libs/detect/src/index.js');
const { EventCodec, SystemClock, SystemIds } = await import('../../dist/libs/events/src/index.js');
const { createIdentity, startDevelopmentIssuer } = await import('../../dist/libs/identity/src/index.js');
const { JournalRecorder, recoverSource } = await import('../../dist/libs/journal/src/index.js');
const { compilePolicySet } = await import('../../dist/libs/policy/src/index.js');

const directory = mkdtempSync(join(tmpdir(), 'affiant-gateway-bench-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
process.on('SIGTERM', () => process.exit(0));
const keyFile = join(directory, 'upstream.key');
writeFileSync(keyFile, 'bench-upstream-key', { mode: 0o600 });
const config = parseConfig(benchConfig(process.argv[2], keyFile), 'bench');
const clock = new SystemClock();
const ids = new SystemIds();
const codec = new EventCodec();
const logger = createLogger('bench', { level: 'error' });
const { journal, openExchanges } = await recoverSource({
  directory: join(directory, 'journal'),
  sourceId: 'gateway',
  key: Buffer.alloc(32, 7),
  segmentBytes: config.journal.segment_bytes,
  highWaterBytes: 32 * 2 ** 30,
  codec,
});
const issuer = await startDevelopmentIssuer({ stateDirectory: directory, host: '127.0.0.1', port: 0, audience: 'affiant', clock });
const identity = createIdentity({
  issuers: [
    {
      name: 'development',
      issuer: issuer.issuer,
      audience: 'affiant',
      groups_claim: 'groups',
      jwks_uri: issuer.jwksUri,
      algorithms: issuer.algorithms,
    },
  ],
  serviceKeys: [],
  clock,
  logger,
  clockTolerance: 30_000,
});
const policy = compilePolicySet(config, '1');
const nobody = async () => {
  throw new Error('no call of the load tests is held');
};
const app = await NestFactory.createApplicationContext(
  ProxyModule.register({
    config,
    connections: () => config.connections,
    policySource: { current: () => policy, onChange: () => () => undefined },
    identity,
    recorder: new JournalRecorder({ journal, codec, clock, ids, openExchanges }),
    approvals: {
      open: nobody,
      get: nobody,
      list: async () => [],
      addVote: nobody,
      expire: nobody,
      release: nobody,
      setOrphaned: nobody,
      watch: () => () => undefined,
    },
    credentials: () => ({ header: 'x-api-key', value: 'bench-upstream-key' }),
    digestKey: Buffer.alloc(32, 8),
    contentKeys: { book: new MemoryKeyBook(), wrapper: new LocalWrapper(Buffer.alloc(32, 9)) },
    originalKeys: { book: new MemoryKeyBook(), wrapper: new LocalWrapper(Buffer.alloc(32, 9)) },
    placeholder: createPlaceholder(Buffer.alloc(32, 9)),
    protocols: builtInProtocols(),
    clock,
    ids,
    logger,
  }),
  { logger: false },
);
engineFlagsForServing();
const token = await issuer.issue({ subject: 'bench', groups: ['engineering'] });
process.stdout.write(`${JSON.stringify({ port: app.get(Gateway).port, token, journal: join(directory, 'journal') })}\n`);
