import { contextMask } from './engine/context-kinds.js';

/** Built-in entity types. */
export const ENTITY_TYPES = [
  'credit_card',
  'card_cvv',
  'iban',
  'us_ssn',
  'us_itin',
  'us_ein',
  'us_aba_routing',
  'us_bank_account',
  'swift_bic',
  'cusip',
  'isin',
  'date_of_birth',
  'email',
  'phone',
  'secret',
  'ip_address',
  'person',
  'street_address',
] as const;

export type EntityType = (typeof ENTITY_TYPES)[number];

/** Types without a structure that could be verified: they miss much, and a policy has to name them (docs/reference/detectors.md). */
export const FREE_TEXT_TYPES: readonly EntityType[] = ['person', 'street_address'];

/** Raised by one when a rule of the type finds other spans than before: part of the detector's version. */
export const RULE_VERSIONS: Readonly<Record<EntityType, number>> = {
  credit_card: 2,
  card_cvv: 2,
  iban: 1,
  us_ssn: 1,
  us_itin: 1,
  us_ein: 1,
  us_aba_routing: 1,
  us_bank_account: 2,
  swift_bic: 1,
  cusip: 2,
  isin: 1,
  date_of_birth: 2,
  email: 1,
  phone: 3,
  secret: 3,
  ip_address: 1,
  person: 2,
  street_address: 1,
};

/** Candidates below this score count only where a policy asks for them (`min_score`). */
export const DEFAULT_MIN_SCORE = 0.4;

export function isEntityType(name: string): name is EntityType {
  return (ENTITY_TYPES as readonly string[]).includes(name);
}

/** Which rules run: the set of types as plain members, because they are asked at every number. */
export interface Wanted {
  readonly card: boolean;
  readonly cvv: boolean;
  readonly iban: boolean;
  readonly ssn: boolean;
  readonly itin: boolean;
  readonly ein: boolean;
  readonly routing: boolean;
  readonly account: boolean;
  readonly bic: boolean;
  readonly cusip: boolean;
  readonly isin: boolean;
  readonly birth: boolean;
  readonly email: boolean;
  readonly phone: boolean;
  readonly secret: boolean;
  readonly ip: boolean;
  readonly person: boolean;
  readonly address: boolean;
  /** Some type that is found from its digits on. */
  readonly digits: boolean;
  /** A rule that nine bare digits may belong to. */
  readonly nine: boolean;
  /** Kinds of words that say what a bare number is; see Context.nearest. */
  readonly kinds: number;
  /** Type under which a row of digits too long for any number is masked: the strongest it could hide. */
  readonly overflow: EntityType | null;
}

const HIDDEN: readonly EntityType[] = ['credit_card', 'us_ssn', 'us_bank_account', 'us_aba_routing', 'iban', 'us_itin', 'us_ein'];

export function wantedOf(types: ReadonlySet<string>): Wanted {
  const has = (type: EntityType): boolean => types.has(type);
  const overflow = HIDDEN.find(has) ?? null;
  return {
    card: has('credit_card'),
    cvv: has('card_cvv'),
    iban: has('iban'),
    ssn: has('us_ssn'),
    itin: has('us_itin'),
    ein: has('us_ein'),
    routing: has('us_aba_routing'),
    account: has('us_bank_account'),
    bic: has('swift_bic'),
    cusip: has('cusip'),
    isin: has('isin'),
    birth: has('date_of_birth'),
    email: has('email'),
    phone: has('phone'),
    secret: has('secret'),
    ip: has('ip_address'),
    person: has('person'),
    address: has('street_address'),
    digits: overflow !== null || ['card_cvv', 'phone', 'ip_address', 'cusip', 'isin', 'street_address'].some((type) => types.has(type)),
    nine: ['us_ssn', 'us_itin', 'us_ein', 'us_aba_routing', 'cusip'].some((type) => types.has(type)),
    kinds: contextMask(['ssn', 'routing', 'account', 'phone', ...newKinds(has)]),
    overflow,
  };
}

/** Words of these kinds count only where their type is looked for: elsewhere they must not take a number from another type. */
function newKinds(has: (type: EntityType) => boolean): ('itin' | 'ein' | 'cusip')[] {
  const kinds: ('itin' | 'ein' | 'cusip')[] = [];
  if (has('us_itin')) kinds.push('itin');
  if (has('us_ein')) kinds.push('ein');
  if (has('cusip')) kinds.push('cusip');
  return kinds;
}
