import type { IncomingMessage } from 'node:http';
import type { ConnectionConfig } from '#config';
import type { EventContext } from '#events';
import type { Credential } from '#identity';
import type { ClientLink } from './intake/client-link.js';
import type { ReceivedBody } from './intake/read-body.js';
import type { Target } from './intake/target.js';
import type { PolicyInForce } from './inspect/policy-in-force.js';
import type { Protocol, Route, ScreenedRequest } from './protocols/protocol.js';

/** After intake: bytes came, nobody is known yet. */
export interface Arrival {
  /** Exchange id, also the request id the client sees. */
  readonly id: string;
  /** Monotonic microseconds at arrival. */
  readonly arrivedUs: number;
  readonly request: IncomingMessage;
  readonly link: ClientLink;
  readonly target: Target;
  readonly progress: Progress;
}

/** The request event is durable and the response event is not: whatever happens, the exchange must still be ended. */
export interface Progress {
  owesResponse: boolean;
}

/** After identify: who calls which connection, and that the protocol knows the path. */
export interface Caller extends Arrival {
  readonly credential: Credential;
  readonly connection: ConnectionConfig;
  readonly protocol: Protocol;
  readonly route: Route;
}

/** After inspect: what the call says and what policy says about it. */
export interface Call extends Caller {
  readonly body: ReceivedBody;
  readonly screened: ScreenedRequest;
  readonly policy: PolicyInForce;
  readonly context: EventContext;
  /** Scope of content-addressed segments: principal, connection and session; null without a session. */
  readonly segmentScope: string | null;
}
