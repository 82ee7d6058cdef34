export { credentialSource } from './forward/stored-credentials.js';
export { Gateway } from './gateway.js';
export {
  DEFAULT_LIMITS,
  type CredentialSource,
  type ExchangeSummary,
  type GatewayLimits,
  type PolicySource,
  type ProxyOptions,
  type StatusHooks,
  type UpstreamCredential,
} from './ports.js';
export { ProxyModule } from './proxy.module.js';
export type { Protocol, ResponseScreener, ScreenContext, ScreenStep } from './protocols/protocol.js';
export { builtInProtocols } from './protocols/registry.js';
export { recoverOpenExchanges } from './record/recover.js';
