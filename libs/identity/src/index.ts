export { matchesPrincipal, type Credential, type Identity } from './port.js';
