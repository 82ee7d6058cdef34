import { readResponse } from './token.js';

/** What time a kept answer says, milliseconds since the Unix epoch. It verifies nothing. @throws AffiantError timestamp_invalid */
export function stampTime(response: Uint8Array): number {
  return readResponse(response).info.genTime.getTime();
}
