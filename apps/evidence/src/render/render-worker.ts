import { parentPort } from 'node:worker_threads';
import { toAffiantError } from '#errors';
import type { RenderAnswer, RenderMessage } from './renderer.js';
import { renderPacket } from './render-packet.js';

/** Entry of the render thread: one message in, one answer out. */
parentPort?.once('message', ({ packetJson, files }: RenderMessage) => {
  let answer: RenderAnswer;
  try {
    answer = renderPacket({
      packetJson: Buffer.from(packetJson),
      files: new Map([...files].map(([name, data]) => [name, Buffer.from(data)])),
    });
  } catch (error) {
    const { code, message } = toAffiantError(error, 'packet_failed', `the page program failed: ${(error as Error).message}`);
    answer = { code, message };
  }
  parentPort?.postMessage(answer);
});
