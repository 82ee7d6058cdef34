/** Built-in entity types, in the order in which equal candidates are preferred. */
export const ENTITY_TYPES = [
  'credit_card',
  'iban',
  'us_ssn',
  'us_aba_routing',
  'us_bank_account',
  'email',
  'phone',
  'secret',
  'ip_address',
] as const;

export type EntityType = (typeof ENTITY_TYPES)[number];

/** Raised by one when a rule of the type finds other spans than before: part of the detector's version. */
export const RULE_VERSIONS: Readonly<Record<EntityType, number>> = {
  credit_card: 1,
  iban: 1,
  us_ssn: 1,
  us_aba_routing: 1,
  us_bank_account: 1,
  email: 1,
  phone: 1,
  secret: 1,
  ip_address: 1,
};

export function isEntityType(name: string): name is EntityType {
  return (ENTITY_TYPES as readonly string[]).includes(name);
}

/** Which rules run: the set of types as plain members, because they are asked at every number. */
export interface Wanted {
  readonly card: boolean;
  readonly iban: boolean;
  readonly ssn: boolean;
  readonly routing: boolean;
  readonly account: boolean;
  readonly email: boolean;
  readonly phone: boolean;
  readonly secret: boolean;
  readonly ip: boolean;
  /** Type under which a row of digits too long for any number is masked: the strongest it could hide. */
  readonly overflow: EntityType | null;
}

export function wantedOf(types: ReadonlySet<string>): Wanted {
  const hidden: readonly EntityType[] = ['credit_card', 'us_ssn', 'us_bank_account', 'us_aba_routing', 'iban'];
  return {
    card: types.has('credit_card'),
    iban: types.has('iban'),
    ssn: types.has('us_ssn'),
    routing: types.has('us_aba_routing'),
    account: types.has('us_bank_account'),
    email: types.has('email'),
    phone: types.has('phone'),
    secret: types.has('secret'),
    ip: types.has('ip_address'),
    overflow: hidden.find((type) => types.has(type)) ?? null,
  };
}
