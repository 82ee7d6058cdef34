import { NestFactory } from '@nestjs/core';
import { openCatalogue, TypeormPacketCatalogue } from '#catalogue';
import { resolveSecret } from '#config';
import { BullJobQueue } from '#job-queue';
import { openObjectStore, resolveEngineAccess, type ServiceDefinition } from '#service';
import { S3PacketStore } from '#packet-store';
import { EvidenceModule } from '../evidence.module.js';

/** Makes packets: takes jobs off Redis, reads ClickHouse as the evidence reader, writes PDFs to the object store. */
export const evidenceService: ServiceDefinition<'clickhouse' | 'postgres' | 'redis' | 'object_store'> = {
  name: 'evidence',
  needs: ['clickhouse', 'postgres', 'redis', 'object_store'],
  async start({ config, clock, ids, logger, keys, source, progress, whenThere }) {
    const { postgres, redis, clickhouse, object_store, ledger } = config();
    const { primary: signer } = await whenThere('the keeper of the log’s key', () => keys.logKeys(ledger));
    const access = await resolveEngineAccess(clickhouse);

    progress('opening the catalogue');
    const url = await resolveSecret(postgres.url);
    const catalogue = await whenThere('the catalogue', () => openCatalogue({ url, pool: postgres.pool }));
    progress('opening the object store');
    const objects = await whenThere('the object store', () => openObjectStore(object_store, clock, logger));
    const jobs = await BullJobQueue.connect({ url: await resolveSecret(redis.url), logger });
    const ports = {
      engine: () => access,
      jobs,
      packets: new TypeormPacketCatalogue(catalogue),
      store: new S3PacketStore(objects),
      signer,
      recorder: source.recorder,
      clock,
      ids,
      logger,
      institution: () => config().institution,
    };
    const app = await NestFactory.createApplicationContext(EvidenceModule.register(ports), { logger: false, abortOnError: false });

    return {
      addresses: {},
      readiness: () => ({ ready: true }),
      reading: () => ({}),
      stop: async () => {
        await jobs.close();
        await app.close();
        objects.close();
        await catalogue.destroy();
      },
    };
  },
};
