import { KeepingScreener, OriginalsKeeper } from '../mask/keep-originals.js';
import type { Call } from '../call.js';
import { extended } from '../extended.js';
import type { Services } from '../services.js';
import { MaskedAnswer } from './masked-answer.js';
import { upstreamError, type UpstreamCall } from './upstream-call.js';

/** Sends the call upstream with the stored credential. Its request and decision events must be durable. @throws AffiantError config_secret_missing */
export async function askUpstream(call: Call, services: Pick<Services, 'credentials' | 'upstreams'>): Promise<UpstreamCall> {
  const credential = await services.credentials(call.connection);
  return services.upstreams.ask(call.connection, {
    method: call.request.method ?? 'GET',
    path: call.route.upstreamPath + call.target.query,
    headers: call.protocol.upstreamHeaders(call.request.rawHeaders, credential),
    body: call.route.hasBody ? call.screened.masked : null,
  });
}

/** Waits for status and headers. @throws AffiantError upstream_unreachable | upstream_timeout */
export async function openAnswer(
  call: Call,
  upstream: UpstreamCall,
  services: Pick<Services, 'digestKey' | 'limits'>,
): Promise<MaskedAnswer> {
  while (upstream.head === null) {
    if (upstream.error !== null) throw upstreamError(upstream.error);
    await upstream.ready();
  }
  const { head } = upstream;
  const { headers } = call.request;
  // Opened while people decided: the answer goes on from the bytes that kept the client waiting.
  const keptAlive = call.link.opened;
  const { brought } = call.screened;
  const screening = brought === null ? call.policy.screening : extended(call.policy.screening, { brought });
  const keeper = OriginalsKeeper.of(screening);
  const masking = call.protocol.screenResponse(keeper?.context ?? screening, {
    status: head.status,
    contentType: head.contentType,
    ...(keptAlive ? { keptAlive: headers } : {}),
  });
  const screener = keeper === null ? masking : new KeepingScreener(masking, keeper);
  const prefix = keptAlive ? call.protocol.keepAlive(headers, false) : null;
  return new MaskedAnswer(head, screener, services.digestKey, call.link.elapsedUs(), services.limits.response_bytes, prefix);
}
