export { openFileSigner, type FileSigner, type FileSignerOptions } from './file-signer.js';
export { loadOrCreateSecret, loadSecret } from './secret.js';
export { formatVkey, isKeyName, keyIdOf, parseVkey, verifyEd25519, type Vkey, type VkeyType } from './vkey.js';
export type * from './port.js';
