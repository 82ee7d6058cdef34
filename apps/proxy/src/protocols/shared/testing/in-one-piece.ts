import type { ScreenedRequest } from '../../protocol.js';

/** A screened request with its masked body in one piece: the very buffer where it is one. */
export type WholeRequest = Omit<ScreenedRequest, 'masked'> & { readonly masked: Buffer };

export async function inOnePiece(screening: Promise<ScreenedRequest>): Promise<WholeRequest> {
  const screened = await screening;
  return { ...screened, masked: screened.masked.length === 1 ? screened.masked[0]! : Buffer.concat(screened.masked) };
}
