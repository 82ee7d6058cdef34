export { findPacketFile } from './find-packet-file.js';
export { createPacketDesk, packetFileName, type PacketDeskPorts } from './packet-desk.js';
export { packetEvent } from './packet-events.js';
export { PACKET_JOB, type PacketDesk, type PacketJob, type PacketRequest } from './port.js';
export { packetJobKey, startPacketSweep, sweepPackets, type SweepPorts, type Swept } from './sweep-packets.js';
