import { NestFactory } from '@nestjs/core';
import { openCatalogue, TypeormApprovalBook, TypeormKeyBook } from '#catalogue';
import { resolveSecret, type ConnectionConfig } from '#config';
import { createPlaceholder } from '#detect';
import { composeIdentity, ReloadingPolicies, type Readiness, type ServiceDefinition, type Source } from '#service';
import { credentialSource } from '../forward/stored-credentials.js';
import { Gateway } from '../gateway.js';
import { DEFAULT_LIMITS } from '../ports.js';
import { builtInProtocols } from '../protocols/registry.js';
import { ProxyModule } from '../proxy.module.js';
import { recoverOpenExchanges } from '../record/recover.js';

/** A journal that is this full will refuse calls soon: another instance should get them. */
const NEARLY_FULL = 0.95;
/** Ends before the gateway's own limit, so that the refusal says which of the two it was. */
const REPLICATION_MS = DEFAULT_LIMITS.record_timeout - 1_000;

/** The gateway as a process of its own: holds are in PostgreSQL, evidence goes to its journal and from there to Kafka. */
export const proxyService: ServiceDefinition<'postgres'> = {
  name: 'proxy',
  needs: ['postgres'],
  async start({ state, config, clock, ids, logger, keys, source, shipping, metrics, progress, whenThere }) {
    const { postgres, journal, sealing } = config();
    const digestKey = await keys.digest();
    const wrapper = await keys.content(sealing);
    const placeholder = createPlaceholder(await keys.placeholder());
    await recoverOpenExchanges(
      source.recorder,
      source.openExchanges.map(({ context }) => context),
    );

    progress('opening the catalogue');
    const url = await resolveSecret(postgres.url);
    const catalogue = await whenThere('the catalogue', () => openCatalogue({ url, pool: postgres.pool }));
    const approvals = new TypeormApprovalBook(catalogue, () => clock.nowMs());

    progress('opening the doors');
    const policies = await ReloadingPolicies.open(state.path('policy.json'), config());
    // The development issuer belongs to the console; here it is one issuer among others.
    const identity = await composeIdentity(state, withoutIssuer(config()), clock, logger);
    const proxy = ProxyModule.register({
      config: config(),
      connections: () => config().connections,
      policySource: policies,
      identity: identity.identity,
      recorder: shipping.replicated(
        replicatedAmong(() => config().connections),
        REPLICATION_MS,
      ),
      approvals,
      credentials: credentialSource(() => clock.nowMs()),
      digestKey,
      contentKeys: { book: new TypeormKeyBook(catalogue), wrapper },
      originalKeys: { book: new TypeormKeyBook(catalogue, 'originals'), wrapper: keys.originals(logger) },
      placeholder,
      protocols: builtInProtocols(),
      clock,
      ids,
      logger,
      hooks: {
        readiness: () => journalReadiness(source, journal.high_water_bytes),
        exchangeEnded: ({ outcome }) => metrics.exchangeEnded(outcome),
        refused: (code) => metrics.refused(code),
      },
    });
    const app = await NestFactory.createApplicationContext(proxy, { logger: false, abortOnError: false });
    const gateway = app.get(Gateway);

    return {
      addresses: { gateway: gateway.address },
      readiness: () => (gateway.draining ? { ready: false, reason: 'draining' } : journalReadiness(source, journal.high_water_bytes)),
      reading: () => ({ gateway: { inFlight: gateway.inFlight, draining: gateway.draining } }),
      reload: async (next) => {
        await identity.reload(withoutIssuer(next));
        await policies.reload(next);
      },
      stop: async () => {
        await app.close();
        await catalogue.destroy();
      },
    };
  },
};

function withoutIssuer<C extends { readonly identity: { readonly development_issuer: boolean } }>(config: C): C {
  return { ...config, identity: { ...config.identity, development_issuer: false } };
}

function journalReadiness({ journal }: Source, highWaterBytes: number): Readiness {
  return journal.pendingBytes < NEARLY_FULL * highWaterBytes ? { ready: true } : { ready: false, reason: 'the journal is nearly full' };
}

/** Whether a connection of that name demands replicated evidence; computed once per list of connections. */
function replicatedAmong(connections: () => readonly ConnectionConfig[]): (name: string) => boolean {
  let seen: readonly ConnectionConfig[] = [];
  let names: ReadonlySet<string> = new Set();
  return (name) => {
    const now = connections();
    if (now !== seen) {
      seen = now;
      names = new Set(now.filter(({ durability }) => durability === 'replicated').map((connection) => connection.name));
    }
    return names.has(name);
  };
}
