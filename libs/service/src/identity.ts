import type { AffiantConfig, IssuerConfig } from '#config';
import { writeFileDurably } from '#durable';
import type { Clock } from '#events';
import { createIdentity, startDevelopmentIssuer, type ConfiguredIdentity, type DevelopmentIssuer } from '#identity';
import type { Logger } from '#observability';
import type { State } from './state.js';

const AUDIENCE = 'affiant';

export interface IdentityParts {
  readonly identity: ConfiguredIdentity;
  /** Null unless the configuration asks for it. */
  readonly issuer: DevelopmentIssuer | null;
  /** Takes a reloaded configuration. @throws AffiantError config_invalid */
  readonly reload: (config: AffiantConfig) => Promise<void>;
}

/** Starts the development issuer if asked for, and trusts it beside the configured ones. */
export async function composeIdentity(state: State, config: AffiantConfig, clock: Clock, logger: Logger): Promise<IdentityParts> {
  const issuer = config.identity.development_issuer
    ? await startDevelopmentIssuer({
        stateDirectory: state.directory,
        host: '127.0.0.1',
        port: config.server.issuer_port,
        audience: AUDIENCE,
        clock,
      })
    : null;
  // Services beside this one name it among `identity.issuers`, and one file may serve them all: then it is trusted as it stands there.
  const isNamed = config.identity.issuers.some(({ issuer: url }) => url === issuer?.issuer);
  const own: IssuerConfig[] =
    issuer === null || isNamed
      ? []
      : [
          {
            name: 'development',
            issuer: issuer.issuer,
            audience: AUDIENCE,
            groups_claim: issuer.groupsClaim,
            jwks_uri: issuer.jwksUri,
            algorithms: issuer.algorithms,
          },
        ];
  const settings = (now: AffiantConfig) => ({ issuers: [...own, ...now.identity.issuers], serviceKeys: now.identity.service_keys });
  const identity = createIdentity({ ...settings(config), clock, logger, clockTolerance: config.identity.clock_tolerance });
  if (issuer !== null) await writeOperator(state, config);
  return {
    identity,
    issuer,
    reload: async (next) => {
      identity.update(settings(next));
      if (issuer !== null) await writeOperator(state, next);
    },
  };
}

/** Who the CLI is when no token is given: whoever can read this directory could ask the development issuer for any token anyway. */
async function writeOperator(state: State, config: AffiantConfig): Promise<void> {
  const approvers = config.policies.flatMap(({ approvers: of }) => (of === undefined ? [] : [of.group]));
  const groups = [...new Set([...config.ledger.auditors, ...approvers])];
  await writeFileDurably(state.path('keys', 'operator.json'), `${JSON.stringify({ subject: 'operator', groups })}\n`);
}
