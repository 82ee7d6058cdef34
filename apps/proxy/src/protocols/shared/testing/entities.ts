/** One of each kind the issue names, with what must never reach a client raw. None belongs to anybody. */
export interface Entity {
  readonly name: string;
  /** Text around and with the value. */
  readonly text: string;
  readonly value: string;
}

const PEM = `-----BEGIN RSA PRIVATE KEY-----\n${'MIIEowIBAAKCAQEAsT9f3Q8vV2k1b7c6d5e4f3a2B1C0D9E8F7A6B5C4D3E2F1a0\n'.repeat(3)}-----END RSA PRIVATE KEY-----`;

function entity(name: string, before: string, value: string, after = ' and so on.'): Entity {
  return { name, text: `${before}${value}${after}`, value };
}

export const ENTITIES: readonly Entity[] = [
  entity('us_ssn', 'Her SSN is ', '219-09-9999'),
  entity('us_ssn bare', 'social security number ', '536904399', '.'),
  entity('credit_card', 'Card ', '4111 1111 1111 1111'),
  entity('credit_card dashes', 'pay with ', '5555-5555-5555-4444', '; thanks'),
  entity('credit_card amex', 'amex ', '378282246310005', '\nok'),
  entity('us_aba_routing', 'routing number ', '021000021'),
  entity('iban', 'to ', 'DE89 3704 0044 0532 0130 00', '.'),
  entity('iban compact', 'IBAN ', 'GB82WEST12345698765432'),
  entity('us_bank_account', 'account number: ', '000123456789'),
  entity('email', 'mail ', 'ann.lee+bank@mail.example.com', ', please'),
  entity('phone', 'call ', '(212) 555-0143'),
  entity('phone international', 'call ', '+44 20 7946 0958', '.'),
  entity('secret aws', 'key ', 'AKIAIOSFODNN7EXAMPLE'),
  entity('secret github', 'use ', 'ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'),
  entity('secret assignment', 'password=', 'Tr0ub4dor&3', '\nnext'),
  entity('jwt', 'token ', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.dBjftJeZ4CVPmB92K27uhbUJU1p1r'),
  entity('pem', 'key:\n', PEM, '\nend'),
];
