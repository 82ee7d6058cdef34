/** Where the envelope's first field, a UUIDv7 in text form, stands in framed bytes: behind the frame and its own length. */
const ID_FROM = 6;
const TIME = /^([0-9a-f]{8})-([0-9a-f]{4})-7/;

/** When an event was made, milliseconds since the Unix epoch, read from its id without decoding it; now for bytes that are no event of ours. */
export function madeAtMs(framed: Buffer): number {
  const match = TIME.exec(framed.toString('latin1', ID_FROM, ID_FROM + 36));
  return match === null ? Date.now() : Number.parseInt(`${match[1]}${match[2]}`, 16);
}
