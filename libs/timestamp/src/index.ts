export { describeCertificate, formatCertificates, readCertificates } from './chain.js';
export { httpAuthority, requestTimestamp, type HttpAuthorityOptions } from './http-authority.js';
export { stampRequest, type StampRequest } from './request.js';
export { isStampPath, parseStampPath, stampedCheckpointPath, stampPath, type StampPlace } from './stamp-path.js';
export { FileStampStore, MemoryStampStore, S3StampStore } from './stamp-stores.js';
export { stampTime } from './stamp-time.js';
export { verifyStamp, type StampToVerify } from './verify.js';
export type * from './port.js';
