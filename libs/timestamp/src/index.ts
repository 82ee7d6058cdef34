export { describeCertificate, formatCertificates, readCertificates } from './chain.js';
export { httpAuthority, requestTimestamp, type HttpAuthorityOptions } from './http-authority.js';
export { stampRequest, type StampRequest } from './request.js';
export { verifyStamp, type StampToVerify } from './verify.js';
export type * from './port.js';
