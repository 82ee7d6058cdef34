/** Character codes and classes; every table covers ASCII, everything above it is in no class. */
export const SPACE = 32;
export const HASH = 35;
export const PLUS = 43;
export const COMMA = 44;
export const DASH = 45;
export const DOT = 46;
export const SLASH = 47;
export const COLON = 58;
export const AT = 64;
export const OPEN_PAREN = 40;
export const CLOSE_PAREN = 41;

const DIGIT = 1;
const LETTER = 2;
const LOCAL = 4;
const DOMAIN = 8;
const TOKEN = 16;
const HEX = 32;

const table = new Uint8Array(128);
mark('0123456789', DIGIT | LOCAL | DOMAIN | TOKEN | HEX);
mark('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ', LETTER | LOCAL | DOMAIN | TOKEN);
mark('abcdefABCDEF', HEX);
mark('._%+-', LOCAL);
mark('.-', DOMAIN);
mark('_-', TOKEN);

function mark(characters: string, bits: number): void {
  for (const character of characters) {
    const code = character.charCodeAt(0);
    table[code] = (table[code] ?? 0) | bits;
  }
}

const has = (code: number, bits: number): boolean => code >= 0 && code < 128 && ((table[code] as number) & bits) !== 0;

export const isDigit = (code: number): boolean => code >= 48 && code <= 57;
export const isLetter = (code: number): boolean => has(code, LETTER);
export const isAlnum = (code: number): boolean => has(code, DIGIT | LETTER);
/** What may stand in the local part of an e-mail address; also the class of the word a stream holds back at its end. */
export const isLocal = (code: number): boolean => has(code, LOCAL);
export const isDomain = (code: number): boolean => has(code, DOMAIN);
/** base64url without padding, as in API tokens. */
export const isToken = (code: number): boolean => has(code, TOKEN);
export const isHex = (code: number): boolean => has(code, HEX);
export const isUpper = (code: number): boolean => code >= 65 && code <= 90;
export const isWhitespace = (code: number): boolean => code === SPACE || (code >= 9 && code <= 13);

/** Blank, dash or dot between groups of digits. */
export const isSeparator = (code: number): boolean => code === SPACE || code === DASH || code === DOT;
