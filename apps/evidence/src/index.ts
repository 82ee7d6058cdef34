export type { EvidencePorts } from './deliver/ports.js';
export { EVIDENCE_PORTS, EvidenceModule, PacketWorker } from './evidence.module.js';
export type { PacketModel } from './model/packet.js';
export { fromJsonCompact, type QueryResult } from './model/result.js';
export { checkPacketNumbers, type NumbersReport } from './verify/numbers.js';
export { packetJsonOf } from './verify/packet-json.js';
export { verifyPacketByPolicy, type PolicyOptions, type PolicyReport } from './verify/verify-by-policy.js';
export { verifyPacket, type VerifyOptions, type VerifyReport } from './verify/verify-packet.js';
