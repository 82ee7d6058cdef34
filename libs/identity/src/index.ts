export { createIdentity, type ConfiguredIdentity, type IdentityOptions, type IdentitySettings } from './create-identity.js';
export { matchesPrincipal, type Credential, type Identity } from './port.js';
export { createServiceKey } from './service-keys.js';
export {
  startDevelopmentIssuer,
  type DevelopmentIssuer,
  type DevelopmentIssuerOptions,
} from './development-issuer/start-development-issuer.js';
